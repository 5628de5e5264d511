"""`gateway doctor`: what is, and what to do about it."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.database_checks import database_findings
from app.cli.findings import Finding, has_problem, problem, write_json, write_lines
from app.cli.machine_checks import machine_findings
from app.cli.session import OUT_OF_REACH, REFUSED, WRONG_USE, mongodb_address, read_settings, why_unavailable
from app.errors import Unavailable
from app.settings import Settings
from app.store.client import BadAddress
from app.store.store import Store


class Form(StrEnum):
    """Ways to write what was found."""

    LINES = "lines"
    JSON = "json"


def doctor(
    *, output: Annotated[Form, typer.Option("--output", help="A line for each check, or one JSON array.")] = Form.LINES
) -> None:
    """Check settings, database, rights, indexes, clock, time zones, keys, files and port, and say what to do.

    Changes nothing, and works beside a running server. Exit status: 0 fine or warnings only, 1 problems, 2 wrong use,
    3 database out of reach.
    """
    settings = read_settings()
    findings = machine_findings(settings)
    status = 0
    try:
        with mongodb_address(settings) as uri:
            asyncio.run(_ask(settings, uri, findings))
    except Unavailable as error:
        findings.append(problem("database", why_unavailable(settings, error), _remedy(settings)))
        status = OUT_OF_REACH
    except BadAddress as error:
        findings.append(problem("database", f"{error}.", "Correct the address."))
        status = WRONG_USE
    (write_json if output is Form.JSON else write_lines)(findings)
    raise typer.Exit(status or (REFUSED if has_problem(findings) else 0))


def _remedy(settings: Settings) -> str:
    """An embedded mongod says itself what is to be done."""
    return "Start it, or see that it can be reached." if settings.mongodb_uri else "See the line above, and try again."


async def _ask(settings: Settings, uri: str, findings: list[Finding]) -> None:
    """Add what is found to the findings, also where the database goes away meanwhile."""
    async with Store(settings, uri) as store:
        async for finding in database_findings(store, settings):
            findings.append(finding)  # noqa: PERF401 - a list comes whole or not at all
