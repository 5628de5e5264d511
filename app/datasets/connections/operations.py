"""What can be asked of connections."""

from dataclasses import dataclass

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.pipelines import summary_pipeline
from app.datasets.connections.rolled_summary import roll_summary
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.errors import LimitExceeded
from app.faces.rendering import Row, render_rows
from app.query.limits import SUMMARY_GROUPS
from app.query.rollups import Used
from app.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of an answer, and what rollups they were made from: None where from the connections alone."""

    rows: list[Row]
    used: Used | None


async def summarize(reader: Reader, query: SummaryQuery) -> Summary:
    """Group the organization's connections by service, protocol and data center.

    Raises LimitExceeded where no limit is given and there are more groups than `SUMMARY_GROUPS`.
    """
    rolled = await roll_summary(reader, query)
    rows = await reader.aggregate(CONNECTIONS, summary_pipeline(query)) if rolled is None else rolled.rows
    if query.limit is None and len(rows) > SUMMARY_GROUPS.value:
        raise LimitExceeded(
            f"limit: there are more than {SUMMARY_GROUPS.value} groups; give a limit or narrow the filter.",
            argument="limit",
        )
    for row in rows:
        row["organizationId"] = reader.scope.organization_id
    render_rows(CONNECTIONS, rows, [field for field in SUMMARY_FIELDS if field.name in query.fields])
    return Summary(rows, None if rolled is None else rolled.used)
