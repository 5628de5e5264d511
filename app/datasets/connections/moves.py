"""Which buckets of the rollup an update of a status changes: those of its last activity, before and after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.datasets.connections.status import CARRIED
from app.datasets.connections.summary import GROUP_KEYS

_TOLD = ("connectionStartTime", "lastActivity", "apikeyId", *GROUP_KEYS)


def moved(stored: Mapping[str, Any] | None, partial: Mapping[str, Any]) -> set[datetime]:
    """Tell the last activities (naive UTC) whose buckets change where a partial status is merged into the stored one.

    None where all that cells tell of the connection stays as it is.
    """
    if stored is None:
        return {partial["lastActivity"]}
    after = _merged(stored, partial)
    if all(stored.get(name) == after[name] for name in _TOLD):
        return set()
    return {end for end in (stored.get("lastActivity"), after["lastActivity"]) if isinstance(end, datetime)}


def _merged(stored: Mapping[str, Any], partial: Mapping[str, Any]) -> dict[str, Any]:
    """What a merge by app/datasets/connections/status.py leaves of what cells tell."""
    new: Mapping[str, Any] = partial["firstEvent"]
    known: Mapping[str, Any] | None = stored.get("firstEvent")
    first = new if known is None or tuple(new.values()) < tuple(known[name] for name in new) else known
    connects = [one for one in (stored.get("firstConnect"), partial["firstConnect"]) if one is not None]
    end = stored.get("lastActivity")
    carrier = partial if first is new else stored
    return {
        **{name: carrier.get(name) for name in CARRIED},
        "connectionStartTime": min(connects) if connects else first["at"],
        "lastActivity": max(end, partial["lastActivity"]) if isinstance(end, datetime) else partial["lastActivity"],
    }
