"""`gateway demo`: a running gateway with data to look at."""

import asyncio
from datetime import datetime, timedelta

import orjson
from rich.console import Console

from app.cli.serve import address_of, listen, run_server
from app.cli.session import make_indexes, mongodb, read_settings, say
from app.demo.setting_up import DemoKey, set_up
from app.ingest.loader import Tally
from app.registry import DATASETS
from app.settings import Settings
from app.store.store import Store

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SELECTED = "serviceName dataCenter totalConnections uniqueApiKeys"


def demo() -> None:
    """Load two organizations' demo data (once), print a key and addresses, and serve.

    The data are 14 days up to the first run. A later run takes the data that is there.
    """
    settings = read_settings()
    listening = listen(settings)
    with mongodb(settings) as uri:
        anchor, keys = asyncio.run(_prepare(settings, uri))
        _explain(address_of(listening), anchor, keys)
        run_server(settings, uri, listening)


async def _prepare(settings: Settings, uri: str) -> tuple[datetime, list[DemoKey]]:
    async with Store(settings, uri, patient=True) as store:
        await make_indexes(store, settings, [one.dataset for one in DATASETS])
        console = Console(stderr=True)
        with console.status("Loading the demo data…") as status:

            def show(name: str, tally: Tally) -> None:
                status.update(f"Loading the demo data: {tally.stored + tally.repeated:,} {name}…")

            return await set_up(store, settings.data_dir, show)


def _explain(address: str, anchor: datetime, keys: list[DemoKey]) -> None:
    say(f"Demo data: 14 days up to {anchor:%Y-%m-%d %H:%M} UTC.")
    for key in keys:
        say(f"API key of {key.organization.org_name}: {key.key}")
    say(f"Explorer, ready to use: {address}/graphql#key={keys[0].key}")
    say(f"REST reference: {address}/docs")
    # The last day of the data, which a later run's last day is not.
    window = f'{{start: "{anchor - timedelta(days=1):{_TIME}}", end: "{anchor:{_TIME}}"}}'
    query = f"{{ connectionSummary(filter: {{time: {window}}}) {{ {_SELECTED} }} }}"
    body = orjson.dumps({"query": query}).decode()
    say(
        f"Try: curl -s {address}/graphql -H 'Authorization: Bearer {keys[0].key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
