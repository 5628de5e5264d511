"""Which buckets an update of a status changes."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.datasets.connections.moves import moved
from app.datasets.connections.status import fold

AT = datetime(2026, 5, 1)  # noqa: DTZ001 - BSON dates are naive UTC
_TOLD = ("connectionStartTime", "lastActivity", "apikeyId", "serviceName", "protocolName", "dataCenter")

events = st.fixed_dictionaries(
    {
        "eventTimestamp": st.integers(0, 6).map(lambda minutes: AT + timedelta(minutes=minutes)),
        "eventTimestampTicks": st.sampled_from((0, 0, 1, None)),
        "eventType": st.sampled_from(("connect", "heartbeat", "disconnect", "other")),
        "apikeyId": st.sampled_from(("one", "two", None)),
        "serviceName": st.sampled_from(("ws", None)),
        "host": st.sampled_from(("a", "b")),
    }
)


def status_of(some: list[dict[str, Any]]) -> dict[str, Any]:
    """Fold the events of one connection into its status, as it is stored."""
    (status,) = fold(some).values()
    return {**status, "connectionStartTime": status["firstConnect"] or status["firstEvent"]["at"]}


@given(before=st.lists(events, max_size=4), new=st.lists(events, min_size=1, max_size=3), seed=st.randoms())
def test_what_cells_tell_changes_in_these_buckets_and_no_other(
    before: list[dict[str, Any]], new: list[dict[str, Any]], seed: Any
) -> None:
    """The last activities before and after, or none where cells tell the same; repeats change nothing."""
    every = [*before, *new]
    ids = list(range(len(every)))
    seed.shuffle(ids)
    for number, one in zip(ids, every, strict=True):
        one |= {"organizationId": "o", "connectionId": "c", "eventId": f"e{number}"}
    stored = status_of(before) if before else None
    partial = next(iter(fold(new).values()))
    after = status_of(every)
    changes = stored is None or any(stored[name] != after[name] for name in _TOLD)
    known = set() if stored is None else {stored["lastActivity"]}
    assert moved(stored, partial) == (known | {after["lastActivity"]} if changes else set())
    assert moved(after, partial) == set()


def test_a_status_of_another_service_is_taken_for_what_it_is() -> None:
    """One without what a loader keeps besides, or with an end that is no date."""
    partial = next(iter(fold([event(1)]).values()))
    foreign = {"lastActivity": AT, "connectionStartTime": AT}
    assert moved(foreign, partial) == {AT, AT + timedelta(minutes=1)}
    assert moved({"lastActivity": None}, partial) == {AT + timedelta(minutes=1)}


def event(minutes: int) -> dict[str, Any]:
    """Make a heartbeat."""
    at = AT + timedelta(minutes=minutes)
    return {
        "organizationId": "o",
        "connectionId": "c",
        "eventId": f"e{minutes}",
        "eventTimestamp": at,
        "eventType": "heartbeat",
    }
