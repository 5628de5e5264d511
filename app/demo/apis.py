"""The APIs that the demo's organizations publish."""

from dataclasses import dataclass

from app.demo.chance import LogNormal
from app.demo.statuses import MIXED, READS, WRITES, Status


@dataclass(frozen=True, slots=True)
class DemoApi:
    """An API version: mean calls per hour, milliseconds to serve, bytes of request and response, its successes."""

    ref: str
    calls: int
    time: LogNormal
    received: LogNormal
    sent: LogNormal
    successes: tuple[tuple[Status, int], ...]


def _api(
    ref: str,
    calls: int,
    time: tuple[float, float],
    size: tuple[float, float, float],
    successes: tuple[tuple[Status, int], ...],
) -> DemoApi:
    received, sent, spread = size
    return DemoApi(ref, calls, LogNormal(*time), LogNormal(received, 0.3), LogNormal(sent, spread), successes)


MARKET_DATA_APIS = (
    # name:version, calls/h, (ms, spread), (bytes in, bytes out, spread), successes
    _api("quotes-api:2.1.0", 104, (24, 0.45), (410, 2_300, 0.5), READS),
    _api("quotes-api:1.4.2", 27, (41, 0.55), (380, 1_900, 0.5), READS),
    _api("orderbook-api:1.0.0", 62, (58, 0.5), (440, 18_000, 0.8), READS),
    _api("trades-api:3.0.1", 46, (73, 0.6), (520, 9_200, 0.9), READS),
    _api("symbols-api:1.2.0", 21, (15, 0.4), (330, 42_000, 0.5), READS),
    _api("alerts-api:0.9.0", 18, (110, 0.6), (890, 640, 0.4), WRITES),
    _api("history-api:2.0.0", 12, (480, 0.8), (610, 260_000, 1.1), READS),
)

FREIGHT_APIS = (
    _api("tracking-api:2.0.0", 44, (92, 0.6), (460, 3_100, 0.6), READS),
    _api("rates-api:1.1.0", 24, (210, 0.7), (780, 5_400, 0.5), MIXED),
    _api("bookings-api:1.2.0", 20, (340, 0.6), (2_400, 1_700, 0.5), WRITES),
    _api("customs-api:0.8.3", 8, (760, 0.8), (6_800, 2_900, 0.7), MIXED),
)
