"""Time zones by the rules of the package tzdata, whatever the machine's own say; the embedded mongod gets the same."""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

_PACKAGE = resources.files("tzdata")


def zone_files() -> Traversable:
    """Tell the folder of compiled zones."""
    return _PACKAGE / "zoneinfo"


@cache
def zone_names() -> frozenset[str]:
    """List the IANA names that there are."""
    return frozenset((_PACKAGE / "zones").read_text("ascii").split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """Read a zone. Raises KeyError where there is none of that name."""
    if name not in zone_names():
        raise KeyError(name)
    with zone_files().joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offset_changes(name: str, start: datetime, end: datetime) -> list[datetime]:
    """List the moments from start to end (naive UTC) at which the zone's offset changes, to the minute.

    Two changes within a day that undo each other are not seen.
    """
    zone, day, minute = time_zone(name), timedelta(days=1), timedelta(minutes=1)

    def offset(moment: datetime) -> timedelta | None:
        return moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()

    changes = []
    before = start.replace(second=0, microsecond=0)
    while before < end:
        after = min(before + day, end)
        if offset(before) != offset(after):
            low, high = 0, int((after - before) / minute)
            while high - low > 1:
                middle = (low + high) // 2
                if offset(before + middle * minute) == offset(before):
                    low = middle
                else:
                    high = middle
            changes.append(before + high * minute)
        before = after
    return changes
