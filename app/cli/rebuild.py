"""`gateway rebuild`: derived data anew from events."""

import typer

from app.cli.session import make_indexes, read_settings, say, with_store
from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.ingest.rebuild import Rebuilt, rebuild_connections
from app.ingest.rollups import bring_up
from app.store.store import Store

app = typer.Typer(help="Build derived data anew from the stored events.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Build derived data anew from the stored events."""


@app.command("connections")
def connections() -> None:
    """Build the status of every connection from its events.

    Can run beside a load and beside servers. Events that the retention has removed no longer count.
    """

    async def work(store: Store) -> Rebuilt:
        await make_indexes(store, read_settings(), (CONNECTION_EVENTS, CONNECTIONS))
        # Statuses change where no load says so: rollups of them are not to be used until they are built anew.
        await store.rollups.set_complete(CONNECTION_ROLLUP, complete=False)
        rebuilt = await rebuild_connections(store.writer)
        await bring_up(store, CONNECTION_ROLLUP)
        return rebuilt

    rebuilt = with_store(work)
    say(f"{rebuilt.connections} connections; {rebuilt.removed} removed, which no event supports")
