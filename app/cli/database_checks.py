"""What `gateway doctor` finds in a database."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from app.access.state import is_live
from app.cli.findings import Finding, ok, problem, warning
from app.ingest.lag import statuses_behind
from app.query.zones import offset_changes, time_zone
from app.registry import DATASETS, ROLLUPS
from app.settings import Settings
from app.store.diagnosis import (
    INDEXING,
    READING,
    WRITING,
    ClockOffset,
    Diagnosis,
    RollupHealth,
    Server,
    Topology,
)
from app.store.failures import NotPermitted
from app.store.indexes import IndexReport, IndexState, Upkeep
from app.store.key_numbers import KEYS
from app.store.keys import API_KEYS
from app.store.rollups import BUCKETS, STATES
from app.store.store import Store

OLDEST_VERSION = (6, 0)
CLOCK_WARNING_SECONDS, CLOCK_PROBLEM_SECONDS = 1.0, 5.0
# Daylight saving north and south, half an hour of it, by the moon, and zones whose rules changed lately.
ZONES = (
    "Europe/Warsaw",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "America/Mexico_City",
    "Asia/Kolkata",
)
_ZONE_DAYS = 366
_COLLECTIONS = (*(one.dataset.collection for one in DATASETS), API_KEYS, BUCKETS, STATES, KEYS)


async def database_findings(store: Store, settings: Settings) -> AsyncIterator[Finding]:
    """Check one thing after the other. Raises Unavailable where the database does not answer (any more)."""
    diagnosis = store.diagnosis
    server = await diagnosis.server()
    yield version_finding(server)
    yield topology_finding(server, embedded=settings.mongodb_uri is None)
    missing = await diagnosis.missing_rights(READING | WRITING | INDEXING, _COLLECTIONS)
    yield rights_finding(missing, settings.database)
    if server.has_primary and not set(missing or ()) & WRITING:
        yield await _majority_finding(diagnosis)
    yield clock_finding(await diagnosis.clock_offset())
    yield await _zones_finding(diagnosis, datetime.now(UTC).replace(tzinfo=None))
    if "find" in (missing or ()):
        return
    if "listIndexes" not in (missing or ()):
        for finding in index_findings(await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.LOOK)):
            yield finding
    yield keys_finding(sum(map(is_live, await store.keys.list())))
    yield await _records_finding(diagnosis)
    yield await _rollups_finding(diagnosis, settings)


def version_finding(server: Server) -> Finding:
    """MongoDB must know `$documents` and the like."""
    shown = ".".join(map(str, OLDEST_VERSION))
    numbers = tuple(int(part) for part in server.version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_VERSION:
        return problem("version", f"MongoDB {server.version} is too old.", f"Use MongoDB {shown} or newer.")
    return ok("version", f"MongoDB {server.version} answers")


def topology_finding(server: Server, *, embedded: bool) -> Finding:
    """Tell what answers, and what that means when a machine fails."""
    if server.topology is Topology.SHARDED:
        return ok("topology", "a sharded cluster; shard each collection by its tenant and id, as the README says")
    if server.topology is Topology.STANDALONE:
        return warning(
            "topology",
            "a standalone server: an acknowledged write may be lost with it.",
            "Make it a replica set, of three members where it must not fail.",
        )
    if not server.has_primary:
        return problem(
            "topology",
            f"a replica set of {server.members} members without a primary: nothing can be written.",
            "See why no majority of its members can reach each other (`rs.status()` in mongosh).",
        )
    members = "1 member" if server.members == 1 else f"{server.members} members"
    if embedded:
        return ok("topology", "the embedded mongod, a replica set of 1 member: no other takes over when it fails")
    if server.members < 3:
        return warning(
            "topology", f"a replica set of {members}: none takes over when one fails.", "Three members can lose one."
        )
    return ok("topology", f"a replica set of {members} with a primary")


def rights_finding(missing: Sequence[str] | None, database: str) -> Finding:
    """Judge what the user may not do; None: MongoDB asks for no user."""
    if missing is None:
        return ok("rights", "MongoDB asks for no user: whoever reaches it may do everything")
    if not missing:
        return ok("rights", "the user may read, write, and make indexes")
    lacking = f"the user may not do on {database}: {', '.join(missing)}."
    if set(missing) & READING:
        return problem("rights", lacking, f"Grant it the role read on {database}, or readWrite and dbAdmin.")
    return warning(
        "rights",
        f"{lacking} `gateway serve` answers all the same.",
        f"For load, keys and indexes grant it readWrite and dbAdmin on {database}.",
    )


async def _majority_finding(diagnosis: Diagnosis) -> Finding:
    try:
        acknowledged = await diagnosis.write_with_majority()
    except NotPermitted as error:
        return warning("writes", f"the user may not {error.refused}.", "Grant it readWrite, where it should load.")
    if acknowledged:
        return ok("writes", "a majority acknowledges them")
    return problem(
        "writes",
        "no majority acknowledges them in time: `gateway load` waits or fails.",
        "See which members are away or behind (`rs.status()` in mongosh).",
    )


def clock_finding(offset: ClockOffset) -> Finding:
    """Judge by how much the clocks differ for certain."""
    seconds = max(abs(offset.seconds) - offset.doubt, 0)
    if seconds <= CLOCK_WARNING_SECONDS:
        return ok("clock", f"as the database's, to {abs(offset.seconds) + offset.doubt:.2f} s")
    way = "behind" if offset.seconds > 0 else "ahead of"
    found = (
        f"this machine's is {seconds:.1f} s {way} the database's: windows such as `last` and `minutes` and what is "
        "active are counted from it, so the newest records may be missed."
    )
    remedy = "Set both by NTP (`timedatectl` shows whether that is on)."
    judge = problem if seconds > CLOCK_PROBLEM_SECONDS else warning
    return judge("clock", found, remedy)


async def _zones_finding(diagnosis: Diagnosis, now: datetime) -> Finding:
    return zones_finding([zone for zone in ZONES if await _differs(diagnosis, zone, now)])


async def _differs(diagnosis: Diagnosis, zone: str, now: datetime) -> bool:
    """Compare offsets now, five and ten years ago, and on both sides of each change within the next year."""
    year = timedelta(days=365)
    changes = offset_changes(zone, now, now + timedelta(days=_ZONE_DAYS))
    around = [moment for change in changes for moment in (change - timedelta(minutes=1), change)]
    # A year from now on without a change here may have one there.
    months = [now + number * year / 12 for number in range(12)]
    moments = [now - 10 * year, now - 5 * year, *months, *around]
    ours = [f"{moment.replace(tzinfo=UTC).astimezone(time_zone(zone)):%z}"[:5] for moment in moments]
    return await diagnosis.offsets(zone, moments) != ours


def zones_finding(differing: Sequence[str]) -> Finding:
    """Buckets of time begin where MongoDB's rules say, empty ones where the gateway's do."""
    if not differing:
        return ok("time zones", f"the same rules in MongoDB ({len(ZONES)} zones, changes of the next year)")
    return warning(
        "time zones",
        f"MongoDB's rules differ from the gateway's for {', '.join(differing)}: buckets of groups may begin elsewhere "
        "than other programs say.",
        "Update MongoDB or its `--timeZoneInfo`, or the Python package tzdata, whichever is older.",
    )


def index_findings(reports: Sequence[IndexReport]) -> list[Finding]:
    """Judge indexes and retention."""
    missing = [report for report in reports if report.state is IndexState.MISSING]
    found = []
    if missing:
        names = ", ".join(f"{report.collection}.{report.name}" for report in missing)
        found.append(
            warning(
                "indexes",
                f"{len(missing)} of {len(reports)} are missing, so queries are slow and nothing expires: {names}.",
                "Run `gateway indexes`; a server does so too when it starts.",
            )
        )
    for report in reports:
        if report.state is IndexState.DIFFERS and report.name == "retention":
            remedy = "Run `gateway indexes`, or set the retention that is meant."
            found.append(warning("retention", f"{report.collection}: {report.detail}.", remedy))
        elif report.state is IndexState.DIFFERS:
            found.append(warning("indexes", f"{report.collection}.{report.name} differs:", report.detail))
    return found or [ok("indexes", f"all {len(reports)} are there, with the retention of the settings")]


def keys_finding(live: int) -> Finding:
    """Without a key nobody can ask."""
    if live:
        return ok("keys", f"{live} live")
    return warning(
        "keys",
        "none is live: nobody can ask.",
        "Make one: `gateway keys create --organization-id UUID --org-name NAME`.",
    )


async def _records_finding(diagnosis: Diagnosis) -> Finding:
    counts = {one.dataset.name: await diagnosis.count(one.dataset.collection) for one in DATASETS}
    return records_finding(counts, await statuses_behind(diagnosis))


def records_finding(counts: dict[str, int], behind: int) -> Finding:
    """Tell how much there is, and whether statuses follow their events."""
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    if behind:
        return warning(
            "records",
            f"{shown}; {behind} connections lack what the newest events say.",
            "Unless a load is running now, run `gateway rebuild connections`.",
        )
    if not any(counts.values()):
        return warning(
            "records",
            "there are none.",
            "Load some: `gateway load connection-events FILE`, or set GATEWAY_DATABASE to the database that has them.",
        )
    return ok("records", shown)


async def _rollups_finding(diagnosis: Diagnosis, settings: Settings) -> Finding:
    stored = [one for one in ROLLUPS if await diagnosis.count(one.dataset.collection)]
    return rollups_finding([await diagnosis.rollup_health(one) for one in stored], used=settings.rollups)


def rollups_finding(healths: Sequence[RollupHealth], *, used: bool) -> Finding:
    """Tell whether totals and time series can be answered from rollups, of datasets that have records."""
    if not used:
        return ok("rollups", "not used, as GATEWAY_ROLLUPS says: every answer is made of records")
    incomplete = [one.name for one in healths if not one.complete]
    if incomplete:
        return warning(
            "rollups",
            f"not built for {', '.join(incomplete)}: totals and time series read every record.",
            "Run `gateway rollup` once; with --follow where another program writes.",
        )
    late = sum(one.late for one in healths)
    if late:
        return warning(
            "rollups",
            f"{late} hours and days changed over an hour ago and were not built since; their records are read.",
            "Unless a load is running now, run `gateway rollup`.",
        )
    unfit = sum(one.unfit for one in healths)
    odd = f"; {unfit} hours and days hold too much or odd records, which are read in their place" if unfit else ""
    return ok("rollups", f"up to date{odd}")
