"""The memory of a server over many mixed requests."""

from tests.bench.client import run_http
from tests.bench.consumption import resident_mb
from tests.bench.ground import Ground
from tests.bench.loads import Extent, HttpLoad
from tests.bench.mix import GREEDY_MIX, graphql_requests, rest_requests
from tests.bench.rounds import FailedRequests
from tests.bench.servers import GATEWAY, serving
from tests.bench.sizes import Size
from tests.bench.tables import Table

_AT_ONCE = 4


def memory_table(ground: Ground, size: Size, requests: int) -> Table:
    """Put so many requests on a gateway that has just started; tell its memory before, after a tenth, and in the end.

    Raises FailedRequests.
    """
    seeded = ground.seeded(size)
    mixed = graphql_requests(GREEDY_MIX, seeded.greedy_key) + rest_requests(seeded.greedy_key)
    with serving(GATEWAY, ground.uri, size.database, ground.folder) as running:
        rows = [("0", f"{resident_mb(running.process):.0f}")]
        asked = 0
        for part in (requests // 10, requests - requests // 10):
            load = HttpLoad(running.port, mixed, Extent(_AT_ONCE, seconds=0, least=part))
            seen = ground.loads.submit(run_http, load).result()
            if seen.failures:
                raise FailedRequests(f"mixed requests were answered {seen.failures}")
            asked += part
            rows.append((f"{asked:,}", f"{resident_mb(running.process):.0f}"))
    return Table("Memory of a server", ("mixed requests", "resident, MiB"), rows)
