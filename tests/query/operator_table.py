"""The table of operators as the tests know it: the exact match of each, and in Python what it says."""

from collections.abc import Callable
from typing import Any

from app.query.addresses import network_match, parse_network
from app.query.conditions import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    InWindow,
    Not,
    Operator,
    Outcome,
    Value,
)
from app.query.fields import Field, Kind
from app.query.matching import MATCH_NOTHING
from app.query.windows import ALL_TIME
from tests.query.specimens import LAST, LONGS, STATUSES, TEXTS

TEXT = Field("t", Kind.TEXT, "")
LONG = Field("n", Kind.LONG, "")
STATUS = Field("s", Kind.STATUS, "")
ADDRESS = Field("ip", Kind.ADDRESS, "")
_A, _B = Comparison(TEXT, Operator.EQ, "a"), Comparison(LONG, Operator.GT, 1)

COMPARISONS: list[tuple[Field, Operator, Value, dict[str, Any]]] = [
    (TEXT, Operator.EQ, "$where", {"t": {"$eq": "$where"}}),
    (TEXT, Operator.EQ, "", {"t": {"$eq": ""}}),
    (TEXT, Operator.NE, "a", {"t": {"$ne": "a"}}),
    (TEXT, Operator.IN, ("a", "b"), {"t": {"$in": ["a", "b"]}}),
    (TEXT, Operator.IN, (), {"t": {"$in": []}}),
    (TEXT, Operator.NOT_IN, ["a"], {"t": {"$nin": ["a"]}}),
    (TEXT, Operator.NOT_IN, [], {"t": {"$nin": []}}),
    (LONG, Operator.GT, 1, {"n": {"$gt": 1}}),
    (LONG, Operator.GTE, -(2**63), {"n": {"$gte": -(2**63)}}),
    (LONG, Operator.LT, 2**63 - 1, {"n": {"$lt": 2**63 - 1}}),
    (LONG, Operator.LTE, 0, {"n": {"$lte": 0}}),
    (TEXT, Operator.STARTS_WITH, "ab", {"t": {"$gte": "ab", "$lt": "ac"}}),
    (TEXT, Operator.STARTS_WITH, ".*", {"t": {"$gte": ".*", "$lt": ".+"}}),
    (TEXT, Operator.STARTS_WITH, "", {"t": {"$gte": ""}}),
    (TEXT, Operator.STARTS_WITH, "a\ud7ff", {"t": {"$gte": "a\ud7ff", "$lt": "a\ue000"}}),
    (TEXT, Operator.STARTS_WITH, "\uffff", {"t": {"$gte": "\uffff", "$lt": "\U00010000"}}),
    (TEXT, Operator.STARTS_WITH, f"a{LAST}{LAST}", {"t": {"$gte": f"a{LAST}{LAST}", "$lt": "b"}}),
    (TEXT, Operator.STARTS_WITH, LAST, {"t": {"$gte": LAST}}),
    (TEXT, Operator.CONTAINS, "a", {"t": {"$regex": "a"}}),
    (TEXT, Operator.CONTAINS, "a.*b", {"t": {"$regex": r"a\.\*b"}}),
    (TEXT, Operator.CONTAINS, "^(?i)$", {"t": {"$regex": r"\^\(\?i\)\$"}}),
    (TEXT, Operator.CONTAINS, "", {"t": {"$gte": ""}}),
    (TEXT, Operator.IS_NULL, True, {"t": {"$eq": None}}),
    (TEXT, Operator.IS_NULL, False, {"t": {"$ne": None}}),
    (STATUS, Operator.CLASS, 1, {"s": {"$gte": "1", "$lt": "2"}}),
    (STATUS, Operator.CLASS, 5, {"s": {"$gte": "5", "$lt": "6"}}),
    (STATUS, Operator.OUTCOME, Outcome.SUCCESS, {"s": {"$gte": "1", "$lt": "4"}}),
    (STATUS, Operator.OUTCOME, Outcome.ERROR, {"s": {"$gte": "4", "$lt": "6"}}),
    (ADDRESS, Operator.CIDR, "10.0.0.0/8", network_match("ip", parse_network("10.0.0.0/8"))),
    (TEXT, Operator.BELOW, "us", {"$or": [{"t": {"$eq": "us"}}, {"t": {"$gte": "us/", "$lt": "us0"}}]}),
]
JOINTS: list[tuple[Condition, dict[str, Any]]] = [
    (EVERYTHING, {}),
    (NOTHING, {"_id": {"$in": []}}),
    (AllOf((_A,)), {"t": {"$eq": "a"}}),
    (AllOf((_A, _B)), {"$and": [{"t": {"$eq": "a"}}, {"n": {"$gt": 1}}]}),
    (AllOf((EVERYTHING, _A, AllOf())), {"t": {"$eq": "a"}}),
    (AllOf((NOTHING,)), MATCH_NOTHING),
    (AnyOf((_A, _B)), {"$or": [{"t": {"$eq": "a"}}, {"n": {"$gt": 1}}]}),
    (AnyOf((_A, EVERYTHING)), {"$or": [{"t": {"$eq": "a"}}, {}]}),
    (Not(_A), {"$nor": [{"t": {"$eq": "a"}}]}),
    (Not(EVERYTHING), {"$nor": [{}]}),
    (Not(Not(_A)), {"$nor": [{"$nor": [{"t": {"$eq": "a"}}]}]}),
    (InWindow("at", None, ALL_TIME), {}),
]
Predicate = Callable[[Any, Any], bool]
PREDICATES: dict[Operator, Predicate] = {
    Operator.EQ: lambda stored, value: bool(stored == value),
    Operator.NE: lambda stored, value: bool(stored != value),
    Operator.GT: lambda stored, value: stored is not None and stored > value,
    Operator.GTE: lambda stored, value: stored is not None and stored >= value,
    Operator.LT: lambda stored, value: stored is not None and stored < value,
    Operator.LTE: lambda stored, value: stored is not None and stored <= value,
    Operator.STARTS_WITH: lambda stored, value: stored is not None and stored.startswith(value),
    Operator.CONTAINS: lambda stored, value: stored is not None and value in stored,
    Operator.IS_NULL: lambda stored, value: (stored is None) is value,
    Operator.IN: lambda stored, value: stored is not None and stored in value,
    Operator.NOT_IN: lambda stored, value: stored is None or stored not in value,
    Operator.CLASS: lambda stored, value: stored is not None and stored[:1] == str(value),
    Operator.OUTCOME: lambda stored, value: (
        stored is not None and stored[:1] in ({"1", "2", "3"} if value is Outcome.SUCCESS else {"4", "5"})
    ),
    Operator.BELOW: lambda stored, value: stored is not None and (stored == value or stored.startswith(f"{value}/")),
}
TEXT_VALUES = [value for value in TEXTS if isinstance(value, str)]
_LONG_VALUES = [value for value in LONGS if isinstance(value, int)]
_LISTS: list[Any] = [[], ["a"], ["", "a.c", LAST], TEXT_VALUES]
ASKED: list[tuple[Field, tuple[Any, ...], Operator, list[Any]]] = [
    *(
        (TEXT, TEXTS, operator, TEXT_VALUES)
        for operator in (Operator.EQ, Operator.NE, Operator.STARTS_WITH, Operator.CONTAINS, Operator.BELOW)
    ),
    *((TEXT, TEXTS, operator, _LISTS) for operator in (Operator.IN, Operator.NOT_IN)),
    (TEXT, TEXTS, Operator.IS_NULL, [True, False]),
    *(
        (LONG, LONGS, operator, _LONG_VALUES)
        for operator in (Operator.EQ, Operator.NE, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
    ),
    (LONG, LONGS, Operator.IS_NULL, [True, False]),
    (STATUS, STATUSES, Operator.CLASS, [1, 2, 3, 4, 5]),
    (STATUS, STATUSES, Operator.OUTCOME, list(Outcome)),
]
