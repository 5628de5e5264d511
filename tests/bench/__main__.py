"""`python -m tests.bench`: measures this gateway against the peers; see the README, "How fast it is"."""

import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.ground import ground
from tests.bench.parts import PARTS, Plan, tables
from tests.bench.sizes import SIZES, sizes_up_to

_WRONG_USE = 2


def main(
    *,
    size: Annotated[str, typer.Option(help=f"How much there is: {', '.join(one.name for one in SIZES)}.")] = "medium",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; in each, all targets have their turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of each target in each round.")] = 1.0,
    only: Annotated[str, typer.Option(help=f"Parts, separated by commas: {', '.join(PARTS)}.")] = ",".join(PARTS),
    requests: Annotated[int, typer.Option(min=10, help="Mixed requests of the part `memory`.")] = 2_000,
    records: Annotated[int, typer.Option(min=1_000, help="Records of the part `loading`.")] = 100_000,
    data: Annotated[Path | None, typer.Option(help="Where to keep the databases for another run.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write shorter tables, for the README.")] = False,
) -> None:
    """Measure this gateway against the peers: ratios and medians."""
    parts = tuple(only.split(","))
    unknown = [part for part in parts if part not in PARTS]
    if unknown or size not in [one.name for one in SIZES]:
        tell(f"bench: there is no {', '.join(unknown) or size}; see --help")
        raise typer.Exit(_WRONG_USE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped on the way out
    plan = Plan(sizes_up_to(size), rounds, seconds, parts, requests, records, brief=markdown)
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for table in tables(stack.enter_context(ground(folder)), plan, tell):
            print(f"\n{table.markdown() if markdown else table.plain()}", flush=True)


def tell(text: str) -> None:
    """Say what is being done: on standard error, as results go to standard output."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
