"""GraphQL filter inputs, decided record by record (contract 4, "Filters")."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.oracle import datasets, instants, windows
from tests.oracle.datasets import Dataset, Record

Operator = Callable[[Any, Any], bool]


def _equals(value: Any, operand: Any) -> bool:
    return value is not None and bool(value == operand)


def _among(value: Any, operands: list[Any]) -> bool:
    return any(_equals(value, operand) for operand in operands)


def in_network(text: str | None, cidr: str) -> bool:
    """Whether the text is an address of that network.

    Text that is no address is in no network; an address is in none of the other family.
    """
    network = ipaddress.ip_network(cidr)
    if text is None:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == network.version and address in network


def in_class(status_code: str | None, name: str) -> bool:
    """Whether the stored status text is of class `_1XX`..`_5XX`: it starts with that digit; null has none."""
    return status_code is not None and status_code.startswith(name[1])


def has_outcome(status_code: str | None, name: str) -> bool:
    """Whether the stored status text is a SUCCESS (1xx to 3xx) or an ERROR (4xx, 5xx); null is neither."""
    digits = {"SUCCESS": ("1", "2", "3"), "ERROR": ("4", "5")}[name]
    return status_code is not None and status_code.startswith(digits)


# ne and notIn are the exact negations, so they match null; every other operator but isNull does not.
_EQUALITY: dict[str, Operator] = {
    "eq": _equals,
    "ne": lambda value, operand: not _equals(value, operand),
    "in": _among,
    "notIn": lambda value, operands: not _among(value, operands),
}
OPERATORS: dict[str, dict[str, Operator]] = {
    datasets.STRING: {
        **_EQUALITY,
        "startsWith": lambda value, operand: value is not None and value.startswith(operand),
        "contains": lambda value, operand: value is not None and operand in value,
        "isNull": lambda value, operand: (value is None) == operand,
    },
    datasets.LONG: {
        **_EQUALITY,
        "gt": lambda value, operand: value is not None and value > operand,
        "gte": lambda value, operand: value is not None and value >= operand,
        "lt": lambda value, operand: value is not None and value < operand,
        "lte": lambda value, operand: value is not None and value <= operand,
        "isNull": lambda value, operand: (value is None) == operand,
    },
    datasets.STATUS_CODE: {**_EQUALITY, "class": in_class, "outcome": has_outcome},
    datasets.IP_ADDRESS: {**_EQUALITY, "cidr": in_network},
}


def _check_operand(operator: str, operand: object) -> None:
    if operator == "eq" and operand is None:
        raise ValueError("eq: null is an error that points to isNull")
    if operand is None or (isinstance(operand, list) and None in operand):
        raise NotImplementedError(f"the contract is silent about null in {operator}")
    if (operator in ("in", "notIn")) != isinstance(operand, list):
        raise NotImplementedError(f"the oracle takes no coerced operand for {operator}")


def field_holds(value: object, kind: str, operators: Mapping[str, Any]) -> bool:
    """Whether every operator given for one field holds for its value (None: null or missing); none given: it holds."""
    for operator, operand in operators.items():
        _check_operand(operator, operand)
    return all(OPERATORS[kind][operator](value, operand) for operator, operand in operators.items())


def matches(record: Record, given: Mapping[str, Any] | None, dataset: Dataset, now: int) -> bool:
    """Whether the record passes the filter input, as sent in JSON variables; `now` in ticks, for minutes and last.

    An absent or null entry does not filter. Every entry holds (AND). `and: []` and `or: []` match nothing, `{}` matches
    everything, `not` is exact negation. KeyError for a field the dataset does not have.
    """
    answers = []
    for name, entry in (given or {}).items():
        if entry is None:
            continue
        if name == "time":
            ticks = instants.parse(record[dataset.time_field])
            answers.append(windows.from_graphql(entry, now).contains(ticks))
        elif name == "and":
            answers.append(bool(entry) and all(matches(record, inner, dataset, now) for inner in entry))
        elif name == "or":
            answers.append(bool(entry) and any(matches(record, inner, dataset, now) for inner in entry))
        elif name == "not":
            answers.append(not matches(record, entry, dataset, now))
        else:
            value = record.get(dataset.stored[name])
            answers.append(field_holds(value, dataset.operators[name], entry))
    return all(answers)


def select(
    records: Iterable[Record], dataset: Dataset, tenant: str, given: Mapping[str, Any] | None, now: int
) -> list[Record]:
    """Keep the tenant's records that pass the filter, in the order given (contract 2 and 4)."""
    return [record for record in datasets.of_tenant(records, dataset, tenant) if matches(record, given, dataset, now)]
