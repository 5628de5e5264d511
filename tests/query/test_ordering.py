"""Orders: what was asked for becomes a total order, so that no two records are equal."""

import pytest
from hypothesis import given, settings

from app.errors import InvalidInput, LimitExceeded
from app.query.dataset import Dataset
from app.query.limits import ORDER_KEYS
from app.query.ordering import Direction, OrderBy, SortKey, complete_order
from app.registry import DATASETS
from tests.query.ranked_rows import RANKED, orders

ASC, DESC = Direction.ASC, Direction.DESC


def _by(name: str, direction: Direction) -> OrderBy:
    return OrderBy(RANKED.by_name[name], direction)


def _id(direction: Direction) -> SortKey:
    return SortKey("id", direction, nullable=False)


def _time(direction: Direction) -> tuple[SortKey, SortKey]:
    return SortKey("at", direction, nullable=False), SortKey("atTicks", direction, ticks=True)


NEWEST_FIRST = (*_time(DESC), _id(DESC))
COMPLETED: list[tuple[list[OrderBy] | None, tuple[SortKey, ...]]] = [
    (None, NEWEST_FIRST),
    ([], NEWEST_FIRST),
    ([_by("at", DESC)], NEWEST_FIRST),
    ([_by("at", ASC)], (*_time(ASC), _id(ASC))),
    ([_by("text", ASC)], (SortKey("text", ASC), _id(ASC))),
    ([_by("text", DESC)], (SortKey("text", DESC), _id(DESC))),
    ([_by("text", DESC), _by("number", ASC)], (SortKey("text", DESC), SortKey("number", ASC), _id(ASC))),
    ([_by("text", ASC), _by("at", DESC)], (SortKey("text", ASC), *_time(DESC), _id(DESC))),
    ([_by("at", DESC), _by("text", ASC)], (*_time(DESC), SortKey("text", ASC), _id(ASC))),
    ([_by("id", ASC)], (_id(ASC),)),
    ([_by("text", ASC), _by("id", DESC)], (SortKey("text", ASC), _id(DESC))),
    ([_by("id", DESC), _by("text", ASC), _by("at", ASC)], (_id(DESC),)),
    ([_by("other_time", ASC)], (SortKey("other_time", ASC), _id(ASC))),
]


@pytest.mark.parametrize(("asked", "order"), COMPLETED)
def test_an_order_is_completed_to_exactly_these_keys(asked: list[OrderBy] | None, order: tuple[SortKey, ...]) -> None:
    """Newest first by default, ticks right behind the time, the id last and in the last key's direction."""
    assert complete_order(RANKED, asked) == order


@settings(deadline=None)
@given(orders)
def test_every_order_is_total(asked: list[OrderBy]) -> None:
    """Whatever is asked: each key once, what was asked first, the id last, nothing behind it."""
    order = complete_order(RANKED, asked)
    paths = [key.path for key in order]
    assert len(set(paths)) == len(paths)
    assert paths[-1] == RANKED.id_field
    assert not order[-1].nullable
    names = [one.field.name for one in asked]
    wanted = names[: names.index("id") + 1] if "id" in names else [*(names or ["at"]), "id"]
    assert [key.path for key in order if not key.ticks] == wanted


@pytest.mark.parametrize("name", ["at", "text", "id"])
@pytest.mark.parametrize("directions", [(ASC, ASC), (ASC, DESC)])
def test_a_field_that_stands_twice_is_refused(name: str, directions: tuple[Direction, Direction]) -> None:
    """The second one could not mean anything; the error names the argument and the field."""
    with pytest.raises(InvalidInput, match=rf"^orderBy: {name} is given twice") as refused:
        complete_order(RANKED, [_by(name, direction) for direction in directions])
    assert refused.value.argument == "orderBy"


def test_the_argument_has_the_name_of_its_face() -> None:
    """REST calls it `sort`; a field is shown by its public name."""
    with pytest.raises(InvalidInput, match=r"^sort: otherTime is given twice") as refused:
        complete_order(RANKED, [_by("other_time", ASC)] * 2, "sort")
    assert refused.value.argument == "sort"


def test_the_keys_of_an_order_are_bounded() -> None:
    """One key more than the stated limit is refused, before anything else is looked at."""
    with pytest.raises(LimitExceeded, match="orderBy") as refused:
        complete_order(RANKED, [_by("text", ASC)] * (ORDER_KEYS.value + 1))
    assert refused.value.argument == "orderBy"


@pytest.mark.parametrize("dataset", [one.dataset for one in DATASETS], ids=lambda one: one.name)
def test_the_default_order_of_each_dataset_is_the_end_of_an_index(dataset: Dataset) -> None:
    """Organization, then exactly the default order: so the newest page is read off an index."""
    keys = tuple((key.path, int(key.direction)) for key in complete_order(dataset, None))
    assert ((dataset.tenant_field, 1), *keys) in [index.keys for index in dataset.indexes]


@pytest.mark.parametrize("dataset", [one.dataset for one in DATASETS], ids=lambda one: one.name)
def test_every_field_of_each_dataset_can_be_ordered_by(dataset: Dataset) -> None:
    """No field of a dataset is without an order, in either direction."""
    for field in dataset.fields:
        for direction in Direction:
            order = complete_order(dataset, [OrderBy(field, direction)])
            assert (order[0].path, order[0].direction) == (field.name, direction)
            assert {key.direction for key in order} == {direction}
