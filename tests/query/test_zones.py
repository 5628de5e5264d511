"""Time zones: one source of rules for the gateway and the embedded mongod."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.zones import time_zone, zone_names
from app.store.client import Database
from tests.store.databases import reader_of

_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001 - naive UTC, as BSON has it


def test_only_names_of_the_package_are_read() -> None:
    """An alias is a name, a path or a folder is none."""
    assert {"Europe/Warsaw", "UTC", "Etc/GMT+3", "US/Pacific"} <= zone_names()
    assert str(time_zone("Asia/Kathmandu")) == "Asia/Kathmandu"
    for name in ("", "Europe", "../zones", "/etc/passwd", "Europe/Warsaw/", "europe/warsaw"):
        with pytest.raises(KeyError):
            time_zone(name)


@given(name=st.sampled_from(sorted(zone_names())), moments=st.lists(_MOMENTS, min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
async def test_mongod_goes_by_the_same_rules(database: Database, name: str, moments: list[datetime]) -> None:
    """Local time is the same in both, to the minute, in every zone."""
    form = {"format": "%Y-%m-%d %H:%M", "timezone": name}
    shown = [{"$dateToString": {"date": {"$literal": moment}, **form}} for moment in moments]
    local = [moment.replace(tzinfo=UTC).astimezone(time_zone(name)) for moment in moments]
    assert await reader_of(database).evaluate(shown) == [f"{one:%Y-%m-%d %H:%M}" for one in local]
