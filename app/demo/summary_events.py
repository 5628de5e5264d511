"""Summary events (API calls) of the demo, in the shape of their source."""

from collections.abc import Callable, Iterator
from datetime import datetime

from app.demo import rhythm
from app.demo.chance import LogNormal, digest, generator
from app.demo.identifiers import summary_event_id
from app.demo.organizations import DEMO_ORGANIZATIONS
from app.demo.statuses import UNAVAILABLE, Status
from app.demo.traffic import Traffic, traffic_of
from app.demo.window import TICKS_PER_HOUR, DemoWindow, demo_window, written
from app.query.instants import TICKS_PER_MILLISECOND

Draw = Callable[[], float]

INCIDENT_API = "orderbook-api:1.0.0"
INCIDENT_ERRORS = 0.25  # of the calls in the incident's hour
_INCIDENT_SLOWNESS = 4.0
_TAIL = 0.008  # of all calls take much longer
_TAIL_FACTOR = LogNormal(6, 0.5)
_ERROR_BODY = LogNormal(170, 0.25)
_TUESDAY = 1
_MILLISECONDS_PER_HOUR = 3_600_000


def incident(window: DemoWindow) -> tuple[int, int]:
    """Tell the start and end of the incident: an hour of a Tuesday afternoon, 3 to 9 days before the anchor."""
    start = window.last_weekday(_TUESDAY, 15)
    return start, start + TICKS_PER_HOUR


def summary_events(anchor: datetime) -> Iterator[dict[str, object]]:
    """Give 110,000 to 150,000 API calls of the 14 days before `anchor` (aware), oldest first.

    The same anchor gives the same records, ids included; another anchor gives other ids. At any time one hour is held.
    """
    window = demo_window(anchor)
    draw = generator("summary events", window.end).random
    streams = [traffic for organization in DEMO_ORGANIZATIONS for traffic in traffic_of(organization)]
    began, ended = incident(window)
    serial = 0
    for hour in range(window.start, window.end, TICKS_PER_HOUR):
        for at, index in sorted(_calls(streams, hour, draw)):
            traffic = streams[index]
            ill = traffic.api.ref == INCIDENT_API and began <= at < ended
            identifier = summary_event_id(digest("summary event", window.end, serial))
            yield _record(traffic, at, identifier, draw, ill=ill)
            serial += 1


def _calls(streams: list[Traffic], hour: int, draw: Draw) -> Iterator[tuple[int, int]]:
    """Spread an hour's calls over it: (time in ticks, whole milliseconds; index of the stream), in no order."""
    for index, traffic in enumerate(streams):
        busy = rhythm.level(hour + TICKS_PER_HOUR // 2, traffic.app.gateway.utc_offset)
        count = int(traffic.calls * busy * (0.85 + 0.3 * draw()) + draw())
        for _ in range(count):
            yield hour + int(draw() * _MILLISECONDS_PER_HOUR) * TICKS_PER_MILLISECOND, index


def _record(traffic: Traffic, at: int, identifier: str, draw: Draw, *, ill: bool) -> dict[str, object]:
    """Write one call."""
    api, app = traffic.api, traffic.app
    status = UNAVAILABLE if ill and draw() < INCIDENT_ERRORS else traffic.outcomes.pick(draw())
    return {
        "api_ref": api.ref,
        "app_name": app.name,
        "bytes_received": int(api.received.at(draw())),
        "bytes_sent": _bytes_sent(api.sent, status, draw()),
        "catalog_name": app.catalog,
        "datetime": written(at, 3),
        "developer_org_name": app.developer_org,
        "gateway_service_name": app.gateway.name,
        "org_name": traffic.organization.org_name,
        "plan_id": app.plan_id,
        "product_ref": app.product_ref,
        "space_name": app.space,
        "status_code": status.text,
        "summary_event_id": identifier,
        "time_to_serve_request": _milliseconds(api.time, status, draw, ill=ill),
    }


def _bytes_sent(usual: LogNormal, status: Status, draw: float) -> int:
    return int(_ERROR_BODY.at(draw) if status.is_error else usual.at(draw) * status.size_factor)


def _milliseconds(usual: LogNormal, status: Status, draw: Draw, *, ill: bool) -> int:
    time = usual.at(draw()) * status.time_factor
    if ill:
        time *= _INCIDENT_SLOWNESS
    if draw() < _TAIL:
        time *= _TAIL_FACTOR.at(draw())
    return max(1, int(time))
