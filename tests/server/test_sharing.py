"""Identical questions are answered together, and nobody gets an answer that is older than the question."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.errors import Internal, InvalidInput, Overloaded, QueryTimeout, RateLimited, Unavailable
from app.scope import Permission
from app.server import sharing
from app.server.budget import Allowance, Exhausted
from app.server.sharing import Sharing
from app.store.deadlines import Deadline
from tests.gateways import Gateway

LONG = 20_000


@dataclass
class Source:
    """Makes answers, one number after another, when it is let; `fails` are those that are errors instead."""

    turn: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    fails: dict[int, Exception] = field(default_factory=dict)

    async def __call__(self, begin: Callable[[], None]) -> int:
        """Wait for a turn, begin, and be done when it is let."""
        await self.turn.wait()
        begin()
        self.made += 1
        number = self.made
        await self.done.wait()
        if number in self.fails:
            raise self.fails[number]
        return number


def ask(shared: Sharing[int], source: Source, question: str = "?") -> "asyncio.Task[tuple[int, bool]]":
    """Ask in a task of its own."""
    return asyncio.create_task(shared.answer(question, Deadline.within(LONG), source))


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_wait_for_a_turn_share_an_answer() -> None:
    """The first one makes it."""
    shared, source = Sharing[int](), Source()
    asking = [ask(shared, source) for _ in range(5)]
    await settle()
    source.turn.set()
    source.done.set()
    assert await asyncio.gather(*asking) == [(1, False), *[(1, True)] * 4]
    assert source.made == 1


async def test_different_questions_are_answered_apart() -> None:
    """However much alike."""
    shared, source = Sharing[int](), Source()
    asking = [ask(shared, source, question) for question in ("a", "b")]
    source.turn.set()
    source.done.set()
    assert sorted(await asyncio.gather(*asking)) == [(1, False), (2, False)]


async def test_nobody_joins_once_reading_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come later share the next answer, which begins when the one that is being made is there."""
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 60)
    shared, source = Sharing[int](), Source()
    source.turn.set()
    first = ask(shared, source)
    await settle()
    later = [ask(shared, source) for _ in range(3)]
    await settle()
    assert source.made == 1
    source.done.set()
    assert await first == (1, False)
    assert await asyncio.gather(*later) == [(2, False), (2, True), (2, True)]


async def test_the_next_answer_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the one that is being made takes long, another is begun beside it."""
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 0.01)
    shared, source = Sharing[int](), Source()
    source.turn.set()
    first = ask(shared, source)
    await settle()
    second = ask(shared, source)
    async with asyncio.timeout(10):
        while source.made < 2:  # noqa: ASYNC110 - only asking it tells
            await asyncio.sleep(0.01)
    source.done.set()
    assert [await first, await second] == [(1, False), (2, False)]


async def test_another_takes_over_where_the_first_leaves() -> None:
    """Its client has gone: the others are answered all the same."""
    shared, source = Sharing[int](), Source()
    asking = [ask(shared, source) for _ in range(3)]
    await settle()
    asking[0].cancel()
    await settle()
    source.turn.set()
    source.done.set()
    assert await asyncio.gather(*asking[1:]) == [(1, False), (1, True)]


async def test_another_takes_over_where_the_first_leaves_in_the_midst() -> None:
    """What it has read so far is lost; the others read again, one for all."""
    shared, source = Sharing[int](), Source()
    asking = [ask(shared, source) for _ in range(3)]
    await settle()
    source.turn.set()
    await settle()
    assert source.made == 1
    asking[0].cancel()
    await settle()
    source.done.set()
    assert sorted(await asyncio.gather(*asking[1:])) == [(2, False), (2, True)]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    """Who only waited for another's answer may go."""
    shared, source = Sharing[int](), Source()
    asking = [ask(shared, source) for _ in range(3)]
    await settle()
    asking[1].cancel()
    source.turn.set()
    source.done.set()
    assert await asking[0] == (1, False)
    assert await asking[2] == (1, True)


@pytest.mark.parametrize(
    "error",
    [InvalidInput("no"), RateLimited("no", retry_after=1), Unavailable("no")],
    ids=["input", "queue", "database"],
)
async def test_an_error_that_all_would_get_is_for_all(error: Exception) -> None:
    """A wrong argument, a queue that is full, a database that is away: nobody tries again after another."""
    shared, source = Sharing[int](), Source(fails={1: error})
    asking = [ask(shared, source) for _ in range(3)]
    await settle()
    source.turn.set()
    source.done.set()
    assert await asyncio.gather(*asking, return_exceptions=True) == [error] * 3
    assert source.made == 1


@pytest.mark.parametrize("error", [QueryTimeout("no"), Internal(), ValueError()], ids=["time", "internal", "other"])
async def test_other_failures_are_of_one_attempt(error: Exception) -> None:
    """The others try for themselves, all at once."""
    shared, source = Sharing[int](), Source(fails={1: error})
    asking = [ask(shared, source) for _ in range(4)]
    await settle()
    source.turn.set()
    source.done.set()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert first is error
    assert others == [(2, False), (3, False), (4, False)]


async def test_a_budget_that_is_used_up_is_of_one_key() -> None:
    """Those who ask the same with other keys take over, one for all."""
    exhausted = Exhausted(3, Allowance(limit=10, remaining=2, reset_seconds=1))
    shared, source = Sharing[int](), Source(fails={1: exhausted})
    asking = [ask(shared, source) for _ in range(4)]
    await settle()
    source.turn.set()
    source.done.set()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert first is exhausted
    assert others == [(2, False), (2, True), (2, True)]


async def test_a_value_may_be_of_one_attempt() -> None:
    """Where it says so."""
    shared, source = Sharing[int](lambda value: value != 1), Source()
    asking = [ask(shared, source) for _ in range(3)]
    await settle()
    source.turn.set()
    source.done.set()
    assert await asyncio.gather(*asking) == [(1, False), (2, False), (3, False)]


async def test_the_wait_for_anothers_answer_ends_at_the_deadline() -> None:
    """As the wait for a turn does."""
    shared, source = Sharing[int](), Source()
    first = ask(shared, source)
    await settle()
    with pytest.raises(Overloaded):
        await shared.answer("?", Deadline.within(10), source)
    source.turn.set()
    source.done.set()
    assert await first == (1, False)


async def test_nothing_is_kept_when_all_are_answered() -> None:
    """Neither a question nor an answer."""
    shared, source = Sharing[int](), Source()
    source.turn.set()
    source.done.set()
    await asyncio.gather(*(ask(shared, source, f"{number % 3}") for number in range(9)))
    assert not shared._gathering  # noqa: SLF001 - what must not grow has no other door
    assert not shared._reading  # noqa: SLF001


@pytest.mark.parametrize("face", ["graphql", "rest"])
async def test_a_crowd_that_asks_the_same_costs_the_database_little(gateway: Gateway, face: str) -> None:
    """Each is answered, and its key is charged, whichever key of the organization it is."""
    await gateway.load_summary_events(
        [{"summary_event_id": f"{n}", "org_name": "ibm", "datetime": "2026-04-01T00:00:00.000Z"} for n in range(3)]
    )
    keys = [await gateway.key(), await gateway.key()]

    async def once(key: str) -> tuple[str, int]:
        if face == "rest":
            answer = await gateway.client.get("/summary/count", headers={"X-API-Key": key})
        else:
            asked = {"query": "{ summaryEvents { totalCount } }"}
            answer = await gateway.client.post("/graphql", json=asked, headers={"X-API-Key": key})
        assert answer.status_code == 200, answer.text
        return answer.text, int(answer.headers["RateLimit"].split("r=")[1].split(";")[0])

    for key in keys:
        await once(key)
    before = await counted(gateway)
    answers = await asyncio.gather(*(once(keys[0]) for _ in range(40)), *(once(keys[1]) for _ in range(2)))
    assert {text for text, _ in answers} == {answers[0][0]}
    assert len({left for _, left in answers[:40]}) == 40
    assert len({left for _, left in answers[40:]}) == 2
    assert 1 <= await counted(gateway) - before <= 6


async def test_who_asks_is_not_shared(gateway: Gateway) -> None:
    """Each key is told of itself, whatever else is asked."""
    keys = [await gateway.key() for _ in range(4)]
    query = "{ who: viewer { keyId } connectionEvents(first: 1) { nodes { eventId } } }"
    answers = await asyncio.gather(*(gateway.data(key, query) for key in keys * 3))
    assert [answer["who"]["keyId"] for answer in answers] == [key.split("_")[1] for key in keys] * 3


async def test_keys_that_may_read_different_things_share_nothing(gateway: Gateway) -> None:
    """What one may not read, it is not told because another may."""
    keys = [await gateway.key(), await gateway.key(permissions=(Permission.SUMMARY_READ,))]
    answers = await asyncio.gather(*(gateway.post(key, "{ connectionEvents { totalCount } }") for key in keys * 5))
    codes = [error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())]
    assert [answer.get("data") for answer in answers[::2]] == [{"connectionEvents": {"totalCount": 0}}] * 5
    assert codes == ["FORBIDDEN"] * 5


async def test_organizations_share_nothing(gateway: Gateway) -> None:
    """However much alike their questions are."""
    await gateway.load_summary_events(
        [{"summary_event_id": f"{n}", "org_name": "ibm", "datetime": "2026-04-01T00:00:00.000Z"} for n in range(3)]
    )
    other = {"organization_id": "b2c3d4e5-f6a7-8901-bcde-f12345678901", "org_name": "acme"}
    keys = [await gateway.key(), await gateway.key(**other)]
    answers = await asyncio.gather(*(gateway.data(key, "{ summaryEvents { totalCount } }") for key in keys * 5))
    assert [answer["summaryEvents"]["totalCount"] for answer in answers] == [3, 0] * 5


async def counted(gateway: Gateway) -> int:
    """How many aggregations the server has run so far."""
    status = await gateway.store._database.command("serverStatus")  # noqa: SLF001 - what the store has no question for
    return int(status["metrics"]["commands"]["aggregate"]["total"])
