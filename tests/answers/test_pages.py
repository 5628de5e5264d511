"""Pages through GraphQL agree with the brute-force oracle: records, order, totals, cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.asking import NOW, fill, keys_of, on_a_database, order_input, page_query, walk
from tests.gateways import Gateway
from tests.oracle import filters, pages, rest
from tests.oracle.datasets import CONNECTION_EVENTS, SUMMARY_EVENTS, Dataset, Record, deduplicated
from tests.oracle.pages import Order
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS
from tests.strategies import connection_cases, summary_cases

Case = tuple[list[Record], dict[str, object], list[Order]]


async def _pages_agree(gateway: Gateway, root: str, dataset: Dataset, case: Case, first: int) -> None:
    records, given_filter, orders = case
    await fill(gateway, dataset, records)
    tenants = ORGANIZATIONS if dataset is CONNECTION_EVENTS else ORG_NAMES
    variables = {"filter": given_filter, "orderBy": order_input(orders) or None}
    for tenant, key in zip(tenants, await keys_of(gateway), strict=True):
        matching = filters.select(deduplicated(records, dataset), dataset, tenant, given_filter, NOW)
        expected = [rest.record(one, dataset) for one in pages.ordered(matching, dataset, orders)]
        answers = await walk(gateway, key, page_query(root, dataset), variables, first)
        assert [node for answer in answers for node in answer["nodes"]] == expected
        assert {answer["totalCount"] for answer in answers} == {len(expected)}
        sizes = [len(page.nodes) for page in pages.walk(expected, dataset, first)]
        assert [len(answer["nodes"]) for answer in answers] == sizes


@given(case=connection_cases(), first=st.integers(1, 45))
@on_a_database
async def test_connection_events_agree_with_the_oracle(gateway: Gateway, case: Case, first: int) -> None:
    """Any filter, order and page size: every record once, in order, with the right total, for either organization."""
    await _pages_agree(gateway, "connectionEvents", CONNECTION_EVENTS, case, first)


@given(case=summary_cases(), first=st.integers(1, 45))
@on_a_database
async def test_summary_events_agree_with_the_oracle(gateway: Gateway, case: Case, first: int) -> None:
    """Any filter, order and page size: every record once, in order, with the right total, for either organization."""
    await _pages_agree(gateway, "summaryEvents", SUMMARY_EVENTS, case, first)


@pytest.mark.parametrize("first", [1, 7, 100])
async def test_pages_stay_whole_while_newer_rows_arrive(gateway: Gateway, first: int) -> None:
    """A walk sees each row that was there at its start exactly once, whatever is loaded meanwhile."""
    key = await gateway.key()

    def event(number: int) -> Record:
        minute, second = divmod(number, 60)
        return {
            "eventId": f"e{number:04}",
            "connectionId": "c",
            "organizationId": ORGANIZATIONS[0],
            "eventType": "heartbeat",
            "eventTimestamp": f"2026-01-01T00:{minute:02}:{second:02}.1234567Z",
        }

    await gateway.load_connection_events([event(number) for number in range(0, 400, 2)])
    query = (
        "query($after: String, $first: Int) { page: connectionEvents(first: $first, after: $after) "
        "{ pageInfo { hasNextPage endCursor } nodes { eventId } } }"
    )
    seen: list[str] = []
    after, arriving = None, iter(range(401, 3000))
    while True:
        page = (await gateway.data(key, query, {"first": first, "after": after}))["page"]
        seen += [node["eventId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        await gateway.load_connection_events([event(next(arriving)) for _ in range(3)])
    assert seen == [f"e{number:04}" for number in reversed(range(0, 400, 2))]
