"""The budget of a key: what is spent, what is left, when it is whole again."""

import pytest

from app.errors import LimitExceeded, RateLimited
from app.server.budget import Allowance, Budget, Exhausted


async def test_what_is_spent_is_gone_for_this_minute() -> None:
    """Down to nothing; then RateLimited says what is left and when to try again."""
    budget = Budget(100)
    first = await budget.charge("k", 60)
    assert first is not None
    assert (first.limit, first.remaining) == (100, 40)
    with pytest.raises(Exhausted, match="costs 41; 40 of the key's 100") as refused:
        await budget.charge("k", 41)
    assert refused.value.code == "RATE_LIMITED"
    assert 1 <= (refused.value.retry_after or 0) <= 60
    last = await budget.charge("k", 40)
    assert last is not None
    assert last.remaining == 0, "what was refused has cost nothing"
    with pytest.raises(RateLimited):
        await budget.charge("k", 1)


async def test_each_key_has_its_own() -> None:
    """Also two keys of one organization."""
    budget = Budget(10)
    await budget.charge("one", 10)
    other = await budget.charge("other", 1)
    assert other is not None
    assert other.remaining == 9


async def test_a_request_that_no_minute_could_pay_is_no_matter_of_waiting() -> None:
    """LimitExceeded names the limit: trying again would never help."""
    with pytest.raises(LimitExceeded, match=r"101 passes what a key may spend in a minute, 100 \(costPerMinute\)"):
        await Budget(100).charge("k", 101)


async def test_without_a_bound_nothing_is_counted() -> None:
    """0 switches it off: no allowance, no headers."""
    budget = Budget(0)
    assert [await budget.charge("k", 10**12) for _ in range(3)] == [None, None, None]


def test_the_headers_are_those_of_the_draft() -> None:
    """Structured fields: a policy with quota and window, and what remains of it."""
    assert Allowance(100, 40, 17).headers() == {
        "RateLimit-Policy": '"cost";q=100;w=60',
        "RateLimit": '"cost";r=40;t=17',
    }
