"""The table of operators: what each becomes in MongoDB's match language, and what that matches."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.conditions import Comparison, Condition, Not, Operator, Value
from app.query.fields import Field
from app.query.limits import TEXT_LENGTH
from app.query.matching import match_all, match_condition
from app.store.client import Database
from tests.query.operator_table import ASKED, COMPARISONS, JOINTS, PREDICATES, TEXT, TEXT_VALUES
from tests.query.specimens import MISSING, TEXTS, documents, tricky_texts, value_of
from tests.store.databases import matched


@pytest.mark.parametrize(("field", "operator", "value", "match"), COMPARISONS)
def test_an_operator_becomes_exactly_this_match(
    field: Field, operator: Operator, value: Value, match: dict[str, Any]
) -> None:
    """The table, line by line; a value is never an operator, a pattern or a path."""
    assert match_condition(Comparison(field, operator, value)) == match


def test_every_operator_stands_in_the_table() -> None:
    """An operator that is added must be added to the tests: the exact match, and what it matches."""
    assert {operator for _, operator, _, _ in COMPARISONS} == set(Operator)
    assert {operator for _, _, operator, _ in ASKED} | {Operator.CIDR} == set(Operator)


@pytest.mark.parametrize(("condition", "match"), JOINTS)
def test_conditions_join_to_exactly_this_match(condition: Condition, match: dict[str, Any]) -> None:
    """All of nothing is everything, any of nothing is nothing, `not` is exact negation."""
    assert match_condition(condition) == match


def test_empty_matches_fall_away() -> None:
    """Joining keeps what restricts, and one part needs no joint."""
    assert match_all([]) == match_all([{}, {}]) == {}
    assert match_all([{}, {"a": 1}]) == {"a": 1}
    assert match_all([{"a": 1}, {}, {"a": 2}]) == {"$and": [{"a": 1}, {"a": 2}]}


@pytest.mark.parametrize(("field", "stored", "operator", "values"), ASKED, ids=lambda part: str(part)[:20])
async def test_an_operator_matches_what_its_words_say(
    database: Database, field: Field, stored: tuple[Any, ...], operator: Operator, values: list[Any]
) -> None:
    """On a real mongod, for each stored value and each value asked: as plain Python says; `not` the rest."""
    collection = database[f"{field.name}_{operator}"]
    await collection.insert_many(documents(field.name, stored))
    for value in values:
        condition = Comparison(field, operator, value)
        wanted = {at for at, one in enumerate(stored) if PREDICATES[operator](value_of(one), value)}
        found = {row["_id"] async for row in collection.find(match_condition(condition))}
        assert found == wanted, (operator, value)
        others = {row["_id"] async for row in collection.find(match_condition(Not(condition)))}
        assert others == set(range(len(stored))) - wanted, (operator, value)


@pytest.mark.parametrize("value", ["\U0001f600", ".", "é", "\n", "$"])
@pytest.mark.parametrize("operator", [Operator.CONTAINS, Operator.STARTS_WITH, Operator.EQ])
async def test_the_longest_text_can_be_asked_for(database: Database, operator: Operator, value: str) -> None:
    """Text up to its stated limit is matched, whatever it becomes when written literally."""
    longest = value * TEXT_LENGTH.value
    rows = [{"_id": 0, "t": longest + "x"}, {"_id": 1, "t": longest}, {"_id": 2, "t": longest[1:]}]
    found = await matched(database, rows, match_condition(Comparison(TEXT, operator, longest)))
    assert found == ([1] if operator is Operator.EQ else [0, 1])


@settings(max_examples=100, deadline=None)
@given(st.lists(tricky_texts, max_size=8), tricky_texts, st.sampled_from((Operator.STARTS_WITH, Operator.CONTAINS)))
async def test_text_is_always_literal(database: Database, texts: list[str], asked: str, operator: Operator) -> None:
    """Whatever is asked, and for every part of what is stored: as Python's own `startswith` and `in`."""
    rows = documents("t", (*texts, asked, f"a{asked}", f"{asked}a"))
    for value in {asked, *(text[1:] for text in texts), *(text[:-1] for text in texts)}:
        wanted = [row["_id"] for row in rows if PREDICATES[operator](row["t"], value)]
        assert await matched(database, rows, match_condition(Comparison(TEXT, operator, value))) == wanted


def test_a_literal_pattern_matches_only_itself() -> None:
    """The specimens hold texts that are patterns of each other; else the tests above would show nothing."""
    patterns = [text for text in TEXT_VALUES if text in {".*", "^a", "a$", "[a-z]", "(a|b)", "a?"}]
    assert all(re.search(pattern, "ab") or re.search(pattern, "a") for pattern in patterns)
    assert MISSING in TEXTS
    assert None in TEXTS
