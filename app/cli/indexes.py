"""`gateway indexes`: what MongoDB needs to answer quickly."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.session import REFUSED, with_store
from app.registry import DATASETS
from app.store.indexes import IndexReport, IndexState, Upkeep
from app.store.store import Store

_LEFT_OVER = {IndexState.MISSING, IndexState.DIFFERS, IndexState.FAILED}


def indexes(
    *, check: Annotated[bool, typer.Option("--check", help="Only look; nothing is made or changed.")] = False
) -> None:
    """Make the missing indexes, apply the retention settings, and report each; status 1 where one is not as wanted.

    An index that exists with other options is reported and left alone.
    """

    async def work(store: Store) -> list[IndexReport]:
        return await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.LOOK if check else Upkeep.FULL)

    reports = with_store(work)
    table = Table("collection", "index", "state", "detail")
    for report in reports:
        table.add_row(report.collection, report.name, report.state, report.detail)
    Console().print(table)
    if any(report.state in _LEFT_OVER for report in reports):
        raise typer.Exit(REFUSED)
