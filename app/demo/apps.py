"""The products of the demo's organizations, and the applications that call them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A product `name:version` and the names of the APIs in it, without versions."""

    ref: str
    apis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway service, and how many hours the clocks of its callers are ahead of UTC."""

    name: str
    utc_offset: int


@dataclass(frozen=True, slots=True)
class DemoApp:
    """An application of a consumer organization, subscribed to a plan of a product; its share of the calls.

    Without a client ID the gateway can't tell who calls: the name is `undefined`; product, plan and consumer are None.
    """

    name: str
    developer_org: str | None
    product: Product | None
    plan: str | None
    catalog: str
    space: str | None
    gateway: Gateway
    share: int

    @property
    def product_ref(self) -> str | None:
        """`product_name:product_version`, None without a client ID."""
        return None if self.product is None else self.product.ref

    @property
    def plan_id(self) -> str | None:
        """`product_name:product_version:plan`, None without a client ID."""
        return None if self.product is None else f"{self.product.ref}:{self.plan}"


_US, _EU, _AP = Gateway("gateway-us-east", -5), Gateway("gateway-eu-west", 0), Gateway("gateway-ap-southeast", 8)
_FREIGHT_EU = Gateway("gateway-eu-central", 1)

_LIVE = Product("live-market-data:2.0.0", ("quotes-api", "orderbook-api", "trades-api"))
_LIVE_OLD = Product("live-market-data:1.3.0", ("quotes-api", "symbols-api"))
_RESEARCH = Product("research:1.0.0", ("history-api", "symbols-api", "trades-api"))
_ALERTING = Product("alerting:0.9.0", ("alerts-api", "symbols-api"))
_SHIPPER = Product("shipper:1.2.0", ("tracking-api", "rates-api", "bookings-api"))
_BROKER = Product("customs-broker:1.0.0", ("customs-api", "tracking-api"))

MARKET_DATA_APPS = (
    # app, consumer organization, product, plan, catalog, space, gateway, share
    DemoApp("fernlight-terminal", "fernlight-capital", _LIVE, "enterprise", "production", None, _US, 26),
    DemoApp("redcairn-router", "redcairn-trading", _LIVE, "enterprise", "production", "low-latency", _US, 22),
    DemoApp("ottermere-treasury", "ottermere-bank", _LIVE, "professional", "production", None, _EU, 16),
    DemoApp("pineglass-wallet", "pineglass", _LIVE, "free", "production", None, _AP, 9),
    DemoApp("quayside-web", "quayside-brokers", _LIVE_OLD, "professional", "production", None, _EU, 14),
    DemoApp("quayside-mobile", "quayside-brokers", _LIVE_OLD, "professional", "production", None, _US, 12),
    DemoApp("hobby-ticker", "juniper-lane-studio", _LIVE_OLD, "free", "production", None, _US, 5),
    DemoApp("brightloom-desk", "brightloom-analytics", _RESEARCH, "professional", "production", "research", _US, 13),
    DemoApp("harvest-backtest", "harvest-lane-funds", _RESEARCH, "enterprise", "production", "research", _EU, 8),
    DemoApp("fernlight-alerts", "fernlight-capital", _ALERTING, "enterprise", "production", None, _US, 15),
    DemoApp("pineglass-push", "pineglass", _ALERTING, "professional", "production", None, _AP, 8),
    DemoApp("fernlight-terminal-test", "fernlight-capital", _LIVE, "free", "sandbox", None, _US, 5),
    DemoApp("brightloom-lab", "brightloom-analytics", _RESEARCH, "free", "sandbox", None, _EU, 4),
    DemoApp("alerts-trial", "saltgrass-labs", _ALERTING, "free", "sandbox", None, _EU, 3),
    DemoApp("undefined", None, None, None, "production", None, _US, 4),
)

FREIGHT_APPS = (
    DemoApp("mossgate-checkout", "mossgate-retail", _SHIPPER, "business", "production", None, _FREIGHT_EU, 30),
    DemoApp("driftwood-orders", "driftwood-furniture", _SHIPPER, "business", "production", None, _FREIGHT_EU, 18),
    DemoApp("tallow-warehouse", "tallow-and-finch", _SHIPPER, "starter", "production", "warehouses", _US, 14),
    DemoApp("saltmarsh-customs", "saltmarsh-imports", _BROKER, "business", "production", None, _FREIGHT_EU, 12),
    DemoApp("mossgate-staging", "mossgate-retail", _SHIPPER, "starter", "sandbox", None, _FREIGHT_EU, 6),
    DemoApp("broker-sandbox", "saltmarsh-imports", _BROKER, "starter", "sandbox", None, _FREIGHT_EU, 3),
    DemoApp("undefined", None, None, None, "production", None, _FREIGHT_EU, 3),
)
