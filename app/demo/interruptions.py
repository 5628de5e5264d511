"""When servers are away: one outage of a data center, and deployments twice a week."""

from bisect import bisect_right
from dataclasses import dataclass

from app.demo.chance import LogNormal
from app.demo.data_centers import DataCenter
from app.demo.window import TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, DemoWindow, weekday_of
from app.query.instants import TICKS_PER_SECOND

OUTAGE_REGION = "us-east-1"
OUTAGE_DESCRIPTION = "Data center outage: connection lost"
DEPLOYMENT_DESCRIPTION = "Server shutdown for deployment"
_TUESDAY, _WEDNESDAY, _THURSDAY = 1, 2, 3
_BACKOFF = LogNormal(25, 0.9)  # seconds until a client finds the server back


@dataclass(frozen=True, slots=True)
class Interruption:
    """[start, end) in ticks without the server; connections are lost within `loss` ticks of its start."""

    start: int
    end: int
    loss: int
    description: str


@dataclass(frozen=True, slots=True)
class Interruptions:
    """The interruptions of one server, by start; they don't overlap."""

    each: tuple[Interruption, ...]

    def next_after(self, ticks: int) -> Interruption | None:
        """Find the first that starts after an instant."""
        index = bisect_right(self.each, ticks, key=lambda each: each.start)
        return self.each[index] if index < len(self.each) else None

    def first_chance(self, ticks: int, draw: float) -> int:
        """Move an instant without the server to a little after its return; leave any other as it is."""
        index = bisect_right(self.each, ticks, key=lambda each: each.start) - 1
        if index < 0 or ticks >= self.each[index].end:
            return ticks
        return self.each[index].end + int(_BACKOFF.at(draw) * TICKS_PER_SECOND)


def outage(window: DemoWindow) -> tuple[int, int]:
    """Tell the start and end of the outage: 20 minutes of a Wednesday afternoon, 3 to 9 days before the anchor."""
    start = window.last_weekday(_WEDNESDAY, 15, 7)
    return start, start + 20 * TICKS_PER_MINUTE


def interruptions_of(place: DataCenter, window: DemoWindow) -> Interruptions:
    """List when a server is away: deployments before dawn, one server after the other, and the outage in its region."""
    found = []
    before_dawn = (5 - place.utc_offset) * TICKS_PER_HOUR + int(place.server[-2:]) * 15 * TICKS_PER_MINUTE
    for day in range(window.start // TICKS_PER_DAY - 2, window.end // TICKS_PER_DAY + 2):
        if weekday_of(day * TICKS_PER_DAY) in {_TUESDAY, _THURSDAY}:
            start = day * TICKS_PER_DAY + before_dawn
            end = start + 3 * TICKS_PER_MINUTE
            found.append(Interruption(start, end, 20 * TICKS_PER_SECOND, DEPLOYMENT_DESCRIPTION))
    if place.region == OUTAGE_REGION:
        start, end = outage(window)
        found.append(Interruption(start, end, 90 * TICKS_PER_SECOND, OUTAGE_DESCRIPTION))
    return Interruptions(tuple(sorted(found, key=lambda each: each.start)))
