"""Logs: one JSON object a line on standard error, the lines of libraries too.

No value of a request is in them. Tracebacks therefore tell kinds and places of errors; their messages, which may quote
values, are written at the level debug only.
"""

import logging
import sys
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.server.tracebacks import places_only

_ALWAYS = ("uvicorn", "uvicorn.error")  # these also tell at the level info


def configure_logs(level: str) -> None:
    """Set up the logs of this process; `level` is debug, info, warning or error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info
        if number <= logging.DEBUG
        else structlog.processors.ExceptionRenderer(places_only),
    ]
    render = structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode())
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: structlog.WriteLogger(
            sys.stderr
        ),  # whatever it is at that time; one write for a line
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_one_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [*(one for one in root.handlers if not isinstance(one, _StandardError)), handler]
    root.setLevel(max(number, logging.WARNING))
    for name in _ALWAYS:
        logging.getLogger(name).setLevel(number)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that time."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # the stream is looked up anew for each line
        return sys.stderr


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep the first line of what a library says: asyncio shows exceptions with their messages in the others."""
    event["event"] = str(event["event"]).partition("\n")[0]
    event["logger"] = event["_record"].name
    return event
