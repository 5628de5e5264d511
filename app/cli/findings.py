"""What a check found, and what to do about it."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson


class Level(StrEnum):
    """How bad it is. A warning may be meant; a problem is none that anyone wants."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis: what was checked, what is, and, unless it is ok, what to do."""

    check: str
    level: Level
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, remedy: str) -> Finding:
    """It works, but perhaps not as meant."""
    return Finding(check, Level.WARNING, found, remedy)


def problem(check: str, found: str, remedy: str) -> Finding:
    """Something does not work."""
    return Finding(check, Level.PROBLEM, found, remedy)


def has_problem(findings: Iterable[Finding]) -> bool:
    """Whether one of them is a problem."""
    return any(finding.level is Level.PROBLEM for finding in findings)


def write_lines(findings: Sequence[Finding]) -> None:
    """Write a line each to standard output."""
    for finding in findings:
        remedy = f" {finding.remedy}" if finding.remedy else ""
        print(f"{finding.level:<8} {finding.check}: {finding.found}{remedy}")
    sys.stdout.flush()


def write_json(findings: Sequence[Finding]) -> None:
    """Write one JSON array to standard output."""
    sys.stdout.buffer.write(orjson.dumps([asdict(one) for one in findings], option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.flush()
