"""Where the demo's servers stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataCenter:
    """A data center, or one server in it, as events name it; its clock; its share of the clients."""

    name: str
    utc_offset: int
    share: int

    @property
    def region(self) -> str:
        """The name without the server."""
        return self.name.partition("/")[0]

    @property
    def server(self) -> str:
        """The server, `server-01` where the name has none."""
        return self.name.partition("/")[2] or "server-01"


MARKET_DATA_CENTERS = (
    DataCenter("us-east-1/server-01", -5, 24),
    DataCenter("us-east-1/server-02", -5, 20),
    DataCenter("us-east-1/server-03", -5, 10),
    DataCenter("eu-west-1/server-01", 0, 18),
    DataCenter("eu-west-1/server-02", 0, 14),
    DataCenter("ap-southeast-1/server-01", 8, 9),
    DataCenter("ap-southeast-1/server-02", 8, 5),
)

FREIGHT_CENTERS = (
    DataCenter("eu-central-1", 1, 70),
    DataCenter("us-east-1/server-01", -5, 30),
)
