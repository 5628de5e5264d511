"""What was selected of groups: dimensions and measures by the paths of their response keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import InvalidInput
from app.faces.graphql.selection import Chosen
from app.query.grouping import Bucket, Dimension, GroupTable, Measure, Measured, Path, Statistic
from app.query.limits import GROUP_BIN, GROUP_DIMENSIONS, GROUP_MEASURES
from app.query.zones import zone_names

_STATISTICS = {
    "sum": Statistic.SUM,
    "avg": Statistic.AVG,
    "min": Statistic.MIN,
    "max": Statistic.MAX,
    "quantile": Statistic.QUANTILE,
}


@dataclass
class SelectedGroups:
    """What the selection asks for."""

    dimensions: dict[Path, Dimension] = field(default_factory=dict)
    measures: dict[Path, Measure] = field(default_factory=dict)
    previous: dict[Path, Measure] = field(default_factory=dict)


def read_groups_selection(table: GroupTable, lists: Mapping[str, Mapping[str, Chosen]]) -> SelectedGroups:
    """Read what is selected below `nodes`, which may be selected under several names: paths begin with that name.

    Raises InvalidInput or LimitExceeded that name the argument or limit.
    """
    found = SelectedGroups()
    for name, nodes in lists.items():
        _read_nodes(table, nodes, (name,), found)
    GROUP_DIMENSIONS.check(len(set(found.dimensions.values())), "dimensions")
    GROUP_MEASURES.check(len({*found.measures.values(), *found.previous.values()}), "nodes")
    return found


def _read_nodes(table: GroupTable, nodes: Mapping[str, Chosen], prefix: Path, found: SelectedGroups) -> None:
    for key, chosen in nodes.items():
        if chosen.name == "dimensions":
            for inner, dimension in chosen.below.items():
                found.dimensions[(*prefix, key, inner)] = _dimension(dimension)
        elif chosen.name == "previous":
            _read_measures(table, chosen.below, (*prefix, key), found.previous)
            # Whether there was anything is asked even where no measure is; "" is no response key of GraphQL's.
            found.previous.setdefault((*prefix, key, ""), Measure(Measured.COUNT))
        else:
            _read_measures(table, {key: chosen}, prefix, found.measures)


def _dimension(chosen: Chosen) -> Dimension:
    if chosen.name != "time":
        return Dimension(chosen.name)
    unit = chosen.arguments.get("every")
    if unit is None:
        raise InvalidInput("time.every: null is not a unit; give one such as HOUR.", argument="every")
    size = chosen.arguments.get("bin")
    zone = chosen.arguments.get("timezone")
    size, zone = 1 if size is None else size, "UTC" if zone is None else zone
    if size < 1:
        raise InvalidInput(f"time.bin: give 1 to {GROUP_BIN.value}, not {size}.", argument="bin")
    GROUP_BIN.check(size, "time.bin")
    if zone not in zone_names():
        raise InvalidInput(
            f"time.timezone: {zone[:60]!r} is no time zone; give an IANA name such as Europe/Warsaw.",
            argument="timezone",
        )
    return Dimension("time", Bucket(str(unit).lower(), size, zone))


def _read_measures(table: GroupTable, selected: Mapping[str, Chosen], prefix: Path, into: dict[Path, Measure]) -> None:
    for key, chosen in selected.items():
        path, name = (*prefix, key), chosen.name
        if name == "count":
            into[path] = Measure(Measured.COUNT)
        elif name in table.counts:
            into[path] = Measure(Measured.COUNT_IF, name)
        elif name == "uniq":
            into.update({(*path, inner): Measure(Measured.UNIQUE, one.name) for inner, one in chosen.below.items()})
        elif name == "ratio":
            into.update({(*path, inner): Measure(Measured.RATIO, one.name) for inner, one in chosen.below.items()})
        else:
            into.update({(*path, inner): _statistic(name, one) for inner, one in chosen.below.items()})


def _statistic(name: str, chosen: Chosen) -> Measure:
    statistic = _STATISTICS[chosen.name]
    if statistic is not Statistic.QUANTILE:
        return Measure(Measured.NUMBER, name, statistic)
    p: Any = chosen.arguments.get("p")
    if p is None:
        raise InvalidInput(f"{name}.quantile.p: null is not a share; give 0 to 1.", argument="p")
    if not 0 <= p <= 1:
        raise InvalidInput(f"{name}.quantile.p: give 0 to 1, not {p}.", argument="p")
    return Measure(Measured.NUMBER, name, statistic, float(p))
