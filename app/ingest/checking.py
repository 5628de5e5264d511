"""Lines to documents, or to the reason why not."""

from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from app.ingest.record_parts import PATTERN_WORDS
from app.ingest.sources import Source


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not taken: where it stands, which field is wrong ("" where it is the line), and why."""

    number: int
    field: str
    reason: str


def check_line(source: Source, number: int, line: bytes) -> dict[str, Any] | Refusal | None:
    """Turn a line into a document to store, a refusal, or None for a blank line."""
    if not line.strip():
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Refusal(number, "", f"is not JSON: {error.msg}, column {error.colno}")
    if not isinstance(record, dict):
        return Refusal(number, "", "is not a JSON object")
    try:
        source.record.model_validate(record)
    except ValidationError as error:
        return _refusal(number, error)
    return source.document(record)


def _refusal(number: int, error: ValidationError) -> Refusal:
    """Name the first wrong field; more than one are counted."""
    problems = error.errors(include_url=False, include_context=True)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"][:1])
    value = "" if first["type"] in {"missing", "extra_forbidden"} else f" (it is {_shown(first['input'])})"
    reason = PATTERN_WORDS.get(first.get("ctx", {}).get("pattern", ""), first["msg"].removeprefix("Value error, "))
    more = f"; {len(problems) - 1} more" if len(problems) > 1 else ""
    return Refusal(number, field, f"{reason}{value}{more}")


def _shown(value: object) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        # orjson reads deeper nesting than it writes.
        return "nested deeper than can be shown"
    return text if len(text) <= 60 else text[:60] + "…"
