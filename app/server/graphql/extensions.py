"""What a request asks for in its `extensions`, and what the answer tells in its own."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from app.errors import InvalidInput
from app.query.limits import REQUEST_COST
from app.query.rollups import Used
from app.server.budget import Allowance

_PERSISTED = "extensions.persistedQuery"
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Extensions:
    """What is understood of the extensions of a request; others are ignored.

    `document_hash` is the SHA-256, in lower-case hexadecimal, by which the document is known from then on; `tells_cost`
    asks for the cost, `tells_rollups` for the rollups that the answer was made of.
    """

    document_hash: str | None = None
    tells_cost: bool = False
    tells_rollups: bool = False

    @property
    def tells_something(self) -> bool:
        """Whether the answer has extensions of its own."""
        return self.tells_cost or self.tells_rollups


NO_EXTENSIONS = Extensions()


def read_extensions(value: object, query: str) -> Extensions:
    """Read `extensions`; a hash that comes with its query is checked against it.

    Raises InvalidInput, naming the member.
    """
    if value is None:
        return NO_EXTENSIONS
    if not isinstance(value, dict):
        raise InvalidInput("extensions: must be a JSON object.", argument="extensions")
    return Extensions(
        _document_hash(value.get("persistedQuery"), query),
        tells_cost=_flag(value, "cost"),
        tells_rollups=_flag(value, "rollups"),
    )


def _flag(value: dict[Any, Any], name: str) -> bool:
    flag = value.get(name)
    if not isinstance(flag, bool | None):
        raise InvalidInput(f"extensions.{name}: must be true or false.", argument=f"extensions.{name}")
    return bool(flag)


def _document_hash(value: object, query: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput(
            f'{_PERSISTED}: must be a JSON object such as {{"version": 1, "sha256Hash": "…"}}.', argument=_PERSISTED
        )
    version, given = value.get("version"), value.get("sha256Hash")
    if version != 1 or isinstance(version, bool):
        raise InvalidInput(f"{_PERSISTED}.version: must be 1.", argument=f"{_PERSISTED}.version")
    if not isinstance(given, str) or not _HASH.fullmatch(given.lower()):
        raise InvalidInput(
            f"{_PERSISTED}.sha256Hash: must be a SHA-256 in 64 hexadecimal digits.", argument=f"{_PERSISTED}.sha256Hash"
        )
    if query and sha256(query.encode()).hexdigest() != given.lower():
        raise InvalidInput(
            f"{_PERSISTED}.sha256Hash: is not the SHA-256 of the query that came with it.",
            argument=f"{_PERSISTED}.sha256Hash",
        )
    return given.lower()


def rollups_told(data: Mapping[str, Any] | None, used: Mapping[str, Used]) -> dict[str, Any]:
    """Make the `extensions` of an answer: for each root field the days and hours that were taken from rollups.

    `raw` counts the stretches of time whose records were read; null for a field that no rollup helped with.
    """
    return {"rollups": {key: asdict(used[key]) if key in used else None for key in data or ()}}


def cost_told(cost: int, allowance: Allowance | None) -> dict[str, Any]:
    """Make the `extensions` of an answer: what its request costs, and what may be spent.

    `limit` is the most that one request may cost; `remaining`, `perMinute` and `resetSeconds` are null where the
    gateway keeps no budget.
    """
    most = REQUEST_COST.value if allowance is None else min(REQUEST_COST.value, allowance.limit)
    told = {
        "requested": cost,
        "limit": most,
        "remaining": allowance and allowance.remaining,
        "perMinute": allowance and allowance.limit,
        "resetSeconds": allowance and allowance.reset_seconds,
    }
    return {"cost": told}
