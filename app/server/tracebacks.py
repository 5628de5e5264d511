"""Tracebacks that show where something went wrong, and nothing of what it went wrong with."""

import traceback
from types import TracebackType

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def places_only(exc_info: ExcInfo) -> str:
    """Write a traceback by the kinds and places of the exception and its causes.

    Messages are left out, since they quote what they are about: a caller's text, a record.
    """
    return "\n".join(_lines(exc_info[1], set()))


def _lines(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    lines: list[str] = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        lines += [*_lines(before, seen), "which led to:"]
    lines += [line.rstrip("\n") for line in traceback.format_tb(error.__traceback__)]
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if id(inner) not in seen:
                lines += ["which holds:", *_lines(inner, seen)]
    return lines
