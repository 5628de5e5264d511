"""Query parameters: one line each, read strictly, described in OpenAPI from the same table."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.errors import InvalidInput, LimitExceeded
from app.query.limits import PARAMETERS, TEXT_LENGTH, Limit, check_rows
from app.query.texts import check_text
from app.query.windows import WindowNames

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_WITH_COMMAS = {"style": "form", "explode": False}
TIMEFRAME_PATTERN = "^last[0-9]+(minute|hour|day|week|month|quarter|year)s?$"
_DATE_TIME = {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `schema` is its JSON Schema; integers and booleans are read as such, a list as its text."""

    name: str
    description: str
    schema: Mapping[str, Any]

    def openapi(self) -> dict[str, Any]:
        """Describe the parameter for OpenAPI."""
        return {
            "name": self.name,
            "in": "query",
            "required": False,
            "description": self.description,
            "schema": dict(self.schema),
            **(_WITH_COMMAS if self.schema["type"] == "array" else {}),
        }


def text(name: str, description: str, pattern: str | None = None) -> Parameter:
    """Make a parameter of text; `pattern` tells its form, for the description only."""
    schema: dict[str, Any] = {"type": "string", "maxLength": TEXT_LENGTH.value}
    return Parameter(name, description, schema if pattern is None else {**schema, "pattern": pattern})


def list_of(name: str, description: str, choices: Iterable[str], **bounds: Any) -> Parameter:
    """Make a parameter whose text is one or more of the choices, separated by commas; `bounds` as in JSON Schema."""
    items = {"type": "string", "enum": list(choices)}
    return Parameter(name, description, {"type": "array", "items": items, "minItems": 1, **bounds})


def integer(name: str, description: str, least: int, most: int, default: int | None = None) -> Parameter:
    """Make a parameter that is a whole number."""
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    return Parameter(name, description, schema if default is None else {**schema, "default": default})


def boolean(name: str, description: str) -> Parameter:
    """Make a parameter that is `true` or `false`."""
    return Parameter(name, description, {"type": "boolean"})


def window_parameters(names: WindowNames, about: str) -> tuple[Parameter, ...]:
    """List the parameters of a window, both ends included, on the time `about`."""
    parameters = [
        Parameter(names.start, f"First instant, RFC 3339 with a zone ({about}).", _DATE_TIME),
        Parameter(names.end, f"Last instant, RFC 3339 with a zone ({about}).", _DATE_TIME),
    ]
    if names.minutes:
        parameters.append(
            integer(names.minutes, f"Minutes back from now, instead of {names.start}/{names.end}.", 1, 52_596_000)
        )
    if names.timeframe:
        parameters.append(
            text(
                names.timeframe,
                "Time back from now, such as last30minutes or last7days; ignored where start or end is given.",
                TIMEFRAME_PATTERN,
            )
        )
    return tuple(parameters)


def read_parameters(query: bytes, known: Iterable[Parameter]) -> dict[str, Any]:
    """Read a query string: text, int for integer parameters, bool for boolean ones.

    Raises InvalidInput that names the parameter: unknown, given twice, not valid UTF-8, not a number, unusable text.
    """
    by_name = {parameter.name: parameter for parameter in known}
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=PARAMETERS.value,
        )
    except UnicodeError:
        raise InvalidInput("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise InvalidInput(f"The query string has more than {PARAMETERS.value} parameters.") from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        parameter = by_name.get(name)
        if parameter is None:
            raise InvalidInput(
                f"{_shown(name)}: there is no such parameter; known are {', '.join(by_name)}.", argument=_shown(name)
            )
        if name in values:
            raise InvalidInput(f"{name}: give it once.", argument=name)
        check_text(value, name)
        values[name] = _READERS.get(parameter.schema["type"], _text)(name, value)
    return values


def read_rows(values: Mapping[str, Any], default: int, limit: Limit) -> int:
    """Tell the `limit` that was asked for, 1 to the limit's value."""
    return check_rows(values.get("limit", default), "limit", limit, least=1)


def _number(name: str, value: str) -> int:
    if _INTEGER.fullmatch(value) is None:
        raise InvalidInput(f"{name}: {_shown(value)!r} is not a whole number.", argument=name)
    if len(value) > 19:
        raise LimitExceeded(f"{name}: a number of {len(value)} digits passes the limit.", argument=name)
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise InvalidInput(f"{name}: give true or false, not {_shown(value)!r}.", argument=name)
    return value == "true"


def _text(_name: str, value: str) -> str:
    return value


_READERS: dict[str, Callable[[str, str], Any]] = {"integer": _number, "boolean": _truth}


def _shown(text: str) -> str:
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= 40 else clean[:40] + "…"
