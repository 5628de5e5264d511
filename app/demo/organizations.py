"""The two organizations of the demo. Their names are invented."""

from dataclasses import dataclass

from app.demo.apis import FREIGHT_APIS, MARKET_DATA_APIS, DemoApi
from app.demo.apps import FREIGHT_APPS, MARKET_DATA_APPS, DemoApp
from app.demo.data_centers import FREIGHT_CENTERS, MARKET_DATA_CENTERS, DataCenter
from app.demo.services import FREIGHT_SERVICES, MARKET_DATA_SERVICES, DemoService


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """A tenant: `organization_id` (UUID text) owns its connections, `org_name` its summary events."""

    organization_id: str
    org_name: str
    domain: str
    api_keys: int
    data_centers: tuple[DataCenter, ...]
    services: tuple[DemoService, ...]
    apis: tuple[DemoApi, ...]
    apps: tuple[DemoApp, ...]


MARKET_DATA = DemoOrganization(
    organization_id="6f1d2c84-3b7e-4a59-9c06-d81e5a40b7f2",
    org_name="tickharbor",
    domain="tickharbor.example",
    api_keys=32,
    data_centers=MARKET_DATA_CENTERS,
    services=MARKET_DATA_SERVICES,
    apis=MARKET_DATA_APIS,
    apps=MARKET_DATA_APPS,
)

FREIGHT = DemoOrganization(
    organization_id="c2a90e57-81d4-4f63-b5ea-07f39d6c1e48",
    org_name="quillmere",
    domain="quillmere.example",
    api_keys=11,
    data_centers=FREIGHT_CENTERS,
    services=FREIGHT_SERVICES,
    apis=FREIGHT_APIS,
    apps=FREIGHT_APPS,
)

DEMO_ORGANIZATIONS = (MARKET_DATA, FREIGHT)
