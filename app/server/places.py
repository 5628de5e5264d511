"""Where a request came in: the bounded names by which log, metrics and traces tell requests apart."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Face(StrEnum):
    """The kinds of doors."""

    GRAPHQL = "graphql"
    REST = "rest"
    EXPORT = "export"
    PAGE = "page"
    HEALTH = "health"  # what orchestrators and monitors ask again and again
    OTHER = "other"  # no address of the gateway


@dataclass(frozen=True, slots=True)
class Place:
    """A door's kind, what is asked there, and the route's template. All three are names of ours."""

    face: Face
    operation: str
    route: str | None = None


NOWHERE = Place(Face.OTHER, "unknown")
_ASSETS = "/assets/"
_PLACES = MappingProxyType(
    {
        place.route: place
        for place in (
            # Before its document has been read, and where it is refused.
            Place(Face.GRAPHQL, "none", "/graphql"),
            Place(Face.PAGE, "home", "/"),
            Place(Face.PAGE, "openapi", "/openapi.json"),
            Place(Face.PAGE, "docs", "/docs"),
            Place(Face.HEALTH, "live", "/health/live"),
            Place(Face.HEALTH, "ready", "/health/ready"),
            Place(Face.HEALTH, "metrics", "/metrics"),
        )
    }
)
EXPLORER_PAGE = Place(Face.PAGE, "explorer", "/graphql")
_ASSET = Place(Face.PAGE, "asset", f"{_ASSETS}{{name}}")


def place_of(path: str) -> Place:
    """Tell the place of a path that needs no further look; the routes of REST name theirs when they are met."""
    return _ASSET if path.startswith(_ASSETS) else _PLACES.get(path, NOWHERE)
