"""Answers are compared before they are timed."""

from collections.abc import Sequence

from tests.bench.asks import Answer, Command
from tests.bench.client import run_http
from tests.bench.ground import Ground
from tests.bench.loads import Extent, HttpLoad
from tests.bench.scenarios import Scenario
from tests.bench.sizes import Size
from tests.bench.targets import Target


class Disagreement(Exception):
    """Two targets answered the same question differently."""


def check_agreement(ground: Ground, size: Size, scenario: Scenario, targets: Sequence[Target]) -> Answer:
    """Ask each target that has the scenario once, and give the answer that all of them gave.

    Raises Disagreement, with the first rows that differ.
    """
    asked = [target for target in targets if target.form in scenario.asks]
    answers = [answer_of(ground, size, scenario, target) for target in asked]
    first = answers[0]
    for target, answer in zip(asked[1:], answers[1:], strict=True):
        if answer != first:
            rows = zip([*first, None], [*answer, None], strict=False)
            difference = next((pair for pair in rows if pair[0] != pair[1]), (len(first), len(answer)))
            raise Disagreement(f"{scenario.title}: {asked[0].name} and {target.name} differ: {difference}")
    return first


def answer_of(ground: Ground, size: Size, scenario: Scenario, target: Target) -> Answer:
    """Ask one target once."""
    ask, seeded = scenario.asks[target.form], ground.seeded(size)
    if isinstance(ask, Command):
        with ground.client() as client:
            cursor = client[size.database].cursor_command(ask.document)
            return ask.read(list(cursor))
    assert target.server is not None
    port = ground.server(target.server, size).port
    seen = run_http(HttpLoad(port, (ask.written(seeded.greedy_key),), Extent(concurrency=1, seconds=0)))
    if seen.failures:
        raise Disagreement(f"{scenario.title}: {target.name} answered {seen.failures}: {seen.bodies[0][:500]!r}")
    return ask.answer(seen.bodies[0])
