"""`gateway rollup`: what answers totals and time series quickly, brought up to what is stored."""

from typing import Annotated

import typer

from app.cli.session import make_indexes, read_settings, say, with_store
from app.ingest.rollups import bring_up, follow
from app.registry import DATASETS, ROLLUPS
from app.store.store import Store


def rollup(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Build all anew, not only what is not up to date.")] = False,
    keep_on: Annotated[
        bool, typer.Option("--follow", help="Keep running, and follow what any program writes.")
    ] = False,
) -> None:
    """Bring the rollups up to what is stored. They answer totals and time series without reading every record.

    Can run beside loads and servers. Needed once for a database that another program has filled; with --follow for as
    long as another program than `gateway load` writes.
    """

    async def work(store: Store) -> None:
        await make_indexes(store, read_settings(), [one.dataset for one in DATASETS])
        collections = [one.dataset.collection for one in ROLLUPS]
        if keep_on:
            await store.changes.keep_before([one.dataset.collection for one in ROLLUPS if one.settles])
        first = keep_on and await store.changes.begin(collections)
        for one in ROLLUPS:
            # What was written before anybody followed is known to nobody.
            done = await bring_up(store, one, everything=everything or first)
            freed = f"; {done.buried} freed of loads that are gone" if done.buried else ""
            say(f"{one.name}: {done.rebuilt.built} buckets built{freed}")
            if done.rebuilt.unfit:
                say(f"{one.name}: {done.rebuilt.unfit} buckets hold too much or odd records; their records are read")
        if keep_on:
            say("following what is written; Ctrl-C ends it")
            async for step in follow(store, ROLLUPS):
                say(f"{step.marked} buckets changed, {step.built} built")

    with_store(work)
