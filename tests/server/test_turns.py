"""Turns: never more than there are places, none idle while somebody may take it, and shared out fairly."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Overloaded, RateLimited
from app.server.turns import Turns
from app.store.deadlines import Deadline

LONG = 60_000


@dataclass
class Oracle:
    """Who has a turn, by the words of the promise: a list of who waits, looked through anew at each event."""

    capacity: int
    most_waiting: int
    running: list[tuple[str, int]] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)
    served_at: Counter[str] = field(default_factory=Counter)
    clock: int = 0

    def has(self, organization: str) -> int:
        """Count the organization's turns."""
        return sum(one == organization for one, _ in self.running)

    def may_take(self, organization: str) -> bool:
        """Half of the places is only for who has none yet."""
        bound = self.capacity - self.capacity // 2 if self.has(organization) else self.capacity
        return len(self.running) < bound

    def arrive(self, organization: str, number: int) -> bool:
        """Tell whether the request is let in (to wait, or at once)."""
        queued = sum(one == organization for one, _ in self.waiting)
        if not queued and self.may_take(organization):
            self.running.append((organization, number))
            return True
        if queued >= self.most_waiting:
            return False
        if not queued:
            self.clock += 1
            self.served_at[organization] = self.clock
        self.waiting.append((organization, number))
        return True

    def leave(self, who: tuple[str, int]) -> None:
        """End a turn, or stop waiting."""
        if who in self.waiting:
            self.waiting.remove(who)
            return
        self.running.remove(who)
        while self.waiting:
            organizations = {one for one, _ in self.waiting}
            chosen = min(organizations, key=lambda one: (self.has(one), self.served_at[one]))
            if not self.may_take(chosen):
                break
            self.clock += 1
            self.served_at[chosen] = self.clock
            who = next(one for one in self.waiting if one[0] == chosen)
            self.waiting.remove(who)
            self.running.append(who)


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(6):
        await asyncio.sleep(0)


@dataclass
class House:
    """Requests as tasks, each in its turn until it is told to end."""

    turns: Turns
    running: set[tuple[str, int]] = field(default_factory=set)
    refused: set[tuple[str, int]] = field(default_factory=set)
    tasks: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[tuple[str, int], asyncio.Event] = field(default_factory=dict)

    def arrive(self, organization: str, number: int) -> None:
        """Begin a request."""
        who = organization, number
        self.ends[who] = asyncio.Event()
        self.tasks[who] = asyncio.create_task(self._ask(who))

    async def _ask(self, who: tuple[str, int]) -> None:
        try:
            async with self.turns.taken(who[0], Deadline.within(LONG)):
                self.running.add(who)
                try:
                    await self.ends[who].wait()
                finally:
                    self.running.discard(who)
        except RateLimited:
            self.refused.add(who)

    async def close(self) -> None:
        """End all."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from("abc")),
        st.tuples(st.just("arrive"), st.just("a")),
        st.tuples(st.just("end"), st.integers(0, 50)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
    ),
    min_size=10,
    max_size=60,
)


@given(capacity=st.sampled_from((1, 2, 3, 4, 9)), most_waiting=st.sampled_from((0, 1, 5)), events=EVENTS)
@settings(deadline=None, max_examples=300)
async def test_turns_go_to_whom_the_promise_says(
    capacity: int, most_waiting: int, events: list[tuple[str, str | int]]
) -> None:
    """After every arrival, end or cancellation, just those have a turn that the oracle says."""
    oracle, house = Oracle(capacity, most_waiting), House(Turns(capacity, most_waiting))
    try:
        for number, (event, what) in enumerate(events):
            if event == "arrive":
                organization = str(what)
                let_in = oracle.arrive(organization, number)
                house.arrive(organization, number)
                await settle()
                assert ((organization, number) in house.refused) is not let_in
            elif oracle.running or oracle.waiting:
                among = oracle.running if event == "end" and oracle.running else [*oracle.running, *oracle.waiting]
                who = among[int(what) % len(among)]
                oracle.leave(who)
                if event == "end" and who in house.running:
                    house.ends[who].set()
                else:
                    house.tasks[who].cancel()
                await settle()
            assert house.running == set(oracle.running)
            assert house.turns.running == len(oracle.running) <= capacity
            assert house.turns.waiting == len(oracle.waiting)
    finally:
        await house.close()
    assert (house.turns.running, house.turns.waiting) == (0, 0)


async def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    """Overloaded at the deadline, with when to try again; nothing of it stays behind."""
    turns = Turns(1, 5)
    async with turns.taken("a", Deadline.within(LONG)):
        with pytest.raises(Overloaded) as refused:
            async with turns.taken("b", Deadline.within(20)):
                pass
        assert refused.value.retry_after == 1
        assert turns.waiting == 0
    async with turns.taken("b", Deadline.within(0)):
        assert turns.running == 1, "a place that is free needs no time"


async def test_a_full_queue_refuses_its_own_organization_only() -> None:
    """RateLimited says how many wait; another organization's queue is its own."""
    house = House(Turns(1, 2))
    for number, organization in enumerate("aaaab"):
        house.arrive(organization, number)
    await settle()
    assert house.refused == {("a", 3)}
    assert house.turns.waiting == 3
    with pytest.raises(RateLimited, match="2 requests of this organization wait already"):
        async with house.turns.taken("a", Deadline.within(LONG)):
            pass
    await house.close()


async def test_who_asks_for_little_waits_for_nobody_else() -> None:
    """While one organization has as many turns as it can get, another's first request starts at once."""
    house = House(Turns(8, 100))
    for number in range(50):
        house.arrive("greedy", number)
    await settle()
    assert len(house.running) == 4
    house.arrive("modest", 0)
    await settle()
    assert ("modest", 0) in house.running
    await house.close()


async def test_a_turn_that_comes_as_its_request_is_cancelled_is_passed_on() -> None:
    """The next in the queue gets it: no place is lost."""
    house = House(Turns(1, 5))
    for number in range(3):
        house.arrive("a", number)
    await settle()
    house.ends["a", 0].set()
    await asyncio.sleep(0)  # the first has ended, and the second has been given its turn but has not run yet
    house.tasks["a", 1].cancel()
    await settle()
    assert house.running == {("a", 2)}
    await house.close()
