"""The paths of the summary interface that name an organization, a catalog or a space."""

from collections.abc import Mapping

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.errors import NotFound
from app.query.conditions import AllOf, Comparison, Condition, Operator
from app.query.texts import check_text
from app.scope import Scope

_STORED = {"org": "org_name", "catalog": "catalog_name", "space": "space_name"}


def narrow(scope: Scope, path: Mapping[str, str]) -> Condition:
    """Narrow to the catalog and space that a path names.

    Raises NotFound where it names another organization than the key's, as if that one were not there.
    """
    if path.get("org", scope.org_name) != scope.org_name:
        raise NotFound("There is no such organization.", argument="org")
    conditions = []
    for name, field in _STORED.items():
        if name in path:
            check_text(path[name], name)
            conditions.append(Comparison(SUMMARY_EVENTS.by_name[field], Operator.EQ, path[name]))
    return AllOf(tuple(conditions))
