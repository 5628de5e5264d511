"""Who answers: this gateway by each of its doors, the peers, and mongod alone."""

from dataclasses import dataclass
from enum import StrEnum

from app.settings import Settings
from tests.bench.servers import GATEWAY, Server

_PLAN_CACHE = "plan_cache"


class Form(StrEnum):
    """How a target is asked."""

    GRAPHQL = "graphql"
    REST = "rest"
    NAIVE = "naive"  # GraphQL too, where the naive peer has the field
    PLAIN = "plain"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Target:
    """One that answers; without a server it is mongod itself."""

    name: str
    form: Form
    server: Server | None


GRAPHQL = Target("this gateway, GraphQL", Form.GRAPHQL, GATEWAY)
REST = Target("this gateway, REST", Form.REST, GATEWAY)
UNPLANNED = Target(
    "this gateway, GraphQL, plan cache off", Form.GRAPHQL, Server("gateway", (("GATEWAY_PLAN_CACHE", "0"),))
)
NAIVE = Target("naive Strawberry", Form.NAIVE, Server("naive"))
PLAIN = Target("plain FastAPI + orjson", Form.PLAIN, Server("plain"))
MONGOD = Target("mongod alone", Form.COMMAND, None)


def targets() -> tuple[Target, ...]:
    """List the targets in the order in which they run; the ordinary executor only where it can be chosen."""
    unplanned = (UNPLANNED,) if _PLAN_CACHE in Settings.model_fields else ()
    return (GRAPHQL, REST, *unplanned, NAIVE, PLAIN, MONGOD)
