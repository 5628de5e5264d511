"""What the demo's organizations let their clients connect to."""

from dataclasses import dataclass

from app.demo.habits import DESK, FEED, NOISY, POLLER, TRADING_DAY, Habit


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service, the first part of its host names, and how many clients of which habit use it."""

    name: str
    protocol: str
    host_prefix: str
    clients: tuple[tuple[Habit, int], ...]


MARKET_DATA_SERVICES = (
    DemoService("tickharbor-ws", "WebSocket", "ws", ((FEED, 6), (DESK, 36), (NOISY, 2))),
    DemoService("tickharbor-rest", "REST", "rest", ((POLLER, 46), (NOISY, 1))),
    DemoService("tickharbor-fix", "FIX", "fix", ((TRADING_DAY, 12),)),
    DemoService("tickharbor-grpc", "gRPC", "grpc", ((FEED, 3), (DESK, 9))),
)

FREIGHT_SERVICES = (
    DemoService("quillmere-tracking", "WebSocket", "tracking", ((FEED, 3), (DESK, 15))),
    DemoService("quillmere-booking", "REST", "booking", ((POLLER, 18), (NOISY, 1))),
)
