"""How clients use their connections."""

from dataclasses import dataclass

from app.demo.chance import LogNormal, Weighted


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ends: the disconnect's description, and whether the client comes right back.

    `{protocol}` is filled in. No description: it vanishes, and no disconnect is recorded.
    """

    description: str | None
    returns: bool


_CLOSED = Ending("{protocol} connection closed by client", returns=False)
_CLOSED_TO_RESTART = Ending("{protocol} connection closed by client", returns=True)
_LOGGED_OUT = Ending("FIX session logged out by counterparty", returns=False)
_IDLE = Ending("Idle timeout: nothing received for 300 seconds", returns=False)
_RESET = Ending("Network error: connection reset by peer", returns=True)
_SILENT = Ending("Network error: 3 heartbeats missed", returns=True)
_EXPIRED = Ending("Access token expired", returns=True)
_REFUSED = Ending("Message rate limit of the plan exceeded", returns=False)
_GONE = Ending(None, returns=False)
_BEHIND = Ending("Slow consumer: send buffer full", returns=True)


@dataclass(frozen=True, slots=True)
class Habit:
    """A way to connect. Minutes throughout; a pause follows the rhythm of the day unless `always_on`."""

    session: LogNormal
    pause: LogNormal
    heartbeat: int
    endings: Weighted[Ending]
    always_on: bool = False


FEED = Habit(  # a machine that wants every message
    session=LogNormal(900, 0.8),
    pause=LogNormal(1, 0.6),
    heartbeat=10,
    endings=Weighted(((_CLOSED_TO_RESTART, 40), (_RESET, 30), (_SILENT, 12), (_BEHIND, 12), (_EXPIRED, 6))),
    always_on=True,
)
DESK = Habit(  # a screen with a person before it
    session=LogNormal(45, 0.9),
    pause=LogNormal(110, 0.8),
    heartbeat=8,
    endings=Weighted(((_CLOSED, 630), (_IDLE, 205), (_RESET, 100), (_SILENT, 40), (_EXPIRED, 20), (_GONE, 5))),
)
TRADING_DAY = Habit(  # logs on in the morning and out in the evening
    session=LogNormal(420, 0.2),
    pause=LogNormal(360, 0.2),
    heartbeat=10,
    endings=Weighted(((_LOGGED_OUT, 86), (_RESET, 8), (_SILENT, 6))),
)
POLLER = Habit(  # a job that keeps its connection alive for a few requests
    session=LogNormal(7, 0.7),
    pause=LogNormal(110, 0.6),
    heartbeat=4,
    endings=Weighted(((_CLOSED, 487), (_IDLE, 460), (_RESET, 50), (_GONE, 3))),
)
NOISY = Habit(  # a broken client that asks for too much, is shut out, and comes back, over and over
    session=LogNormal(3, 0.8),
    pause=LogNormal(20, 0.5),
    heartbeat=2,
    endings=Weighted(((_REFUSED, 60), (_RESET, 20), (_BEHIND, 12), (_CLOSED, 8))),
)
