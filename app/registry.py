"""The datasets that are served: one line each."""

from collections.abc import Mapping
from dataclasses import dataclass

from strawberry.types.field import StrawberryField

from app.datasets.connection_events import graphql as connection_events_graphql
from app.datasets.connection_events import rest as connection_events_rest
from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections import graphql as connections_graphql
from app.datasets.connections import rest as connections_rest
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.summary_events import graphql as summary_events_graphql
from app.datasets.summary_events import rest as summary_events_rest
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.faces.rest.exports import Export
from app.faces.rest.routes import RestRoute
from app.query.dataset import Dataset
from app.query.rollups import Rollup


@dataclass(frozen=True, slots=True)
class Registered:
    """A dataset, what it adds to each face, and the rollup that is kept of it."""

    dataset: Dataset
    root_fields: Mapping[str, StrawberryField]
    routes: tuple[RestRoute, ...]
    exports: tuple[Export, ...] = ()
    rollup: Rollup | None = None


DATASETS = (
    Registered(
        CONNECTIONS,
        connections_graphql.ROOT_FIELDS,
        connections_rest.ROUTES,
        connections_rest.EXPORTS,
        CONNECTION_ROLLUP,
    ),
    Registered(
        CONNECTION_EVENTS,
        connection_events_graphql.ROOT_FIELDS,
        connection_events_rest.ROUTES,
        connection_events_rest.EXPORTS,
    ),
    Registered(
        SUMMARY_EVENTS,
        summary_events_graphql.ROOT_FIELDS,
        summary_events_rest.ROUTES,
        summary_events_rest.EXPORTS,
        SUMMARY_EVENT_ROLLUP,
    ),
)

ROLLUPS = tuple(one.rollup for one in DATASETS if one.rollup is not None)
