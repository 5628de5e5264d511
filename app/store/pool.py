"""The driver's pool of connections as it is now, from the events that it publishes."""

from collections import Counter
from threading import Lock

from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

Address = tuple[str, int | None]  # of a member, as the driver names it


class PoolCounts(ConnectionPoolListener):
    """Counts connections to all members that are `opened` and `in_use`, and the `failures` to get one, ever.

    `cleared` is how often the pool of a member was, and so all connections to it that there were.

    Both drivers publish these events; Motor does so from its threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.opened = 0
        self.in_use = 0
        self.failures = 0
        self.cleared: Counter[Address] = Counter()

    def connection_created(self, event: ConnectionCreatedEvent) -> None:  # noqa: ARG002 - each happening counts alike
        """One more is open."""
        with self._lock:
            self.opened += 1

    def connection_closed(self, event: ConnectionClosedEvent) -> None:  # noqa: ARG002
        """One less is open."""
        with self._lock:
            self.opened -= 1

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:  # noqa: ARG002
        """One more is in use."""
        with self._lock:
            self.in_use += 1

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:  # noqa: ARG002
        """One less is in use."""
        with self._lock:
            self.in_use -= 1

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:  # noqa: ARG002
        """One was wanted in vain."""
        with self._lock:
            self.failures += 1

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        """Counts when it has ended."""

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """Was counted when it was created."""

    def pool_created(self, event: PoolCreatedEvent) -> None:
        """Holds no connection yet."""

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """Holds no connection yet."""

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        """Its connections are closed one by one."""
        with self._lock:
            self.cleared[event.address] += 1

    def pool_closed(self, event: PoolClosedEvent) -> None:
        """So they are where the member is one no more."""
        with self._lock:
            self.cleared[event.address] += 1
