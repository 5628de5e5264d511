"""The life of one client: it connects, gives signs of life, goes, and comes again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.demo import rhythm
from app.demo.chance import LogNormal, digest, generator
from app.demo.clients import DemoClient
from app.demo.identifiers import connection_id
from app.demo.interruptions import Interruptions, interruptions_of
from app.demo.window import TICKS_PER_DAY, TICKS_PER_MINUTE, DemoWindow
from app.query.instants import TICKS_PER_SECOND

Draw = Callable[[], float]

_COMEBACK = LogNormal(0.4, 0.9)  # minutes from a lost connection to the next try
_FRESH = (5 * TICKS_PER_SECOND, 105 * TICKS_PER_SECOND)  # age of the last heartbeat of a connection open at the end


class SessionEvent(NamedTuple):
    """One event. Compares by time, then client, so that sorted streams of clients merge into one."""

    at: int
    client: int
    event_type: str
    description: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class _Session:
    """A connection's times in ticks; `ending` describes the disconnect, None where it vanishes."""

    opened: int
    closed: int
    ending: str | None
    returns: bool


def session_events(client: DemoClient, window: DemoWindow) -> Iterator[SessionEvent]:
    """Give a client's events within the window, in order of time.

    The life begins a day before the window, so a few connections have no connect in it, as in any source that forgets.
    """
    draw = generator("sessions", window.end, client.number).random
    interruptions = interruptions_of(client.data_center, window)
    protocol = client.service.protocol
    connected = f"{protocol} connection established"
    at = _next_start(client, window.start - TICKS_PER_DAY, draw, returns=False)
    serial = 0
    while (at := interruptions.first_chance(at, draw())) < window.end:
        session = _session(client, at, interruptions, draw)
        name = connection_id(digest("connection", window.end, client.number, serial))
        if at >= window.start:
            yield SessionEvent(at, client.number, "connect", connected, name)
        for beat in _heartbeats(session, client.habit.heartbeat * TICKS_PER_MINUTE, window.end, draw):
            if beat >= window.start:
                yield SessionEvent(beat, client.number, "heartbeat", "Connection heartbeat received", name)
        if session.ending is not None and window.start <= session.closed <= window.end:
            yield SessionEvent(session.closed, client.number, "disconnect", session.ending, name)
        at = _next_start(client, session.closed, draw, returns=session.returns)
        connected = f"{protocol} connection {'re-established' if session.returns else 'established'}"
        serial += 1


def _session(client: DemoClient, opened: int, interruptions: Interruptions, draw: Draw) -> _Session:
    """Plan one connection: it ends by the client's habit, unless the server goes away first."""
    ending = client.habit.endings.pick(draw())
    closed = opened + max(TICKS_PER_SECOND, int(client.habit.session.at(draw()) * TICKS_PER_MINUTE))
    cut = interruptions.next_after(opened)
    if cut is not None and cut.start < closed:
        return _Session(opened, cut.start + int(draw() * cut.loss), cut.description, returns=True)
    description = ending.description and ending.description.format(protocol=client.service.protocol)
    return _Session(opened, closed, description, ending.returns)


def _heartbeats(session: _Session, interval: int, end: int, draw: Draw) -> Iterator[int]:
    """Give the times strictly inside the session and not after `end`; one open at the end has a fresh last one."""
    last = min(session.closed, end)
    at = session.opened
    while (after := at + int(interval * (0.97 + 0.06 * draw()))) < last:
        at = after
        yield at
    fresh, stale = _FRESH
    if session.closed > end and at < end - stale:
        yield end - fresh - int((stale - fresh) * draw())


def _next_start(client: DemoClient, ended: int, draw: Draw, *, returns: bool) -> int:
    """Choose when a client connects again after its last connection ended."""
    if returns:
        return ended + TICKS_PER_SECOND + int(_COMEBACK.at(draw()) * TICKS_PER_MINUTE)
    pause = client.habit.pause.at(draw()) * TICKS_PER_MINUTE
    if client.habit.always_on:
        return ended + int(pause)
    return rhythm.after_work(ended, pause, client.data_center.utc_offset)
