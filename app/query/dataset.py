"""A dataset: which collection, whose documents, which fields, which indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from app.query.fields import Derived, Field
from app.scope import Permission

IndexKeys = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a shipped query shape needs: 1 ascending, -1 descending.

    `unique` ones also keep a repeated load from doubling.
    """

    name: str
    keys: IndexKeys
    unique: bool = False


@dataclass(frozen=True)
class Dataset:
    """One dataset, as the contract's table describes it.

    `tenant_field` is the stored field that says whose a document is, `tenant_attribute` the attribute of
    `Scope` that it must equal. `ticks_field` is where the 100 ns below the time field's millisecond are kept,
    where the dataset keeps them; `digits` how many fractional digits its times go out with. Records of a `settled`
    dataset never change.
    """

    name: str
    collection: str
    tenant_field: str
    tenant_attribute: Literal["organization_id", "org_name"]
    permission: Permission
    time_field: str
    id_field: str
    fields: Sequence[Field]
    indexes: Sequence[Index]
    expires_by: str
    retention_setting: str
    digits: int
    ticks_field: str | None = None
    derived: Sequence[Derived] = ()
    settled: bool = False

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their stored names."""
        return {field.name: field for field in self.fields}

    @property
    def time(self) -> Field:
        """The field that a time window is about."""
        return self.by_name[self.time_field]
