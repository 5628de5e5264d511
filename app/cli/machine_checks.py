"""What `gateway doctor` finds without a database: settings, port, files, disk."""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
from dotenv import dotenv_values

from app.cli.findings import Finding, ok, problem, warning
from app.server.pages.vendored import VENDOR_FILES, unready_files
from app.settings import Settings
from app.store.compiled import library

_MEGABYTE = 1_048_576
SCARCE_MB, TOO_LITTLE_MB = 2_048, 512
# Read elsewhere: by the commands that ask a server, and by worker processes.
_OTHER_NAMES = {"GATEWAY_SERVER", "GATEWAY_API_KEY", "GATEWAY_PARENT_PROCESS"}
_EMBEDDED_ONLY = ("data_dir", "mongod", "embedded_cache_mb")
_LIVE_SECONDS = 3.0


def machine_findings(settings: Settings) -> list[Finding]:
    """Check all that needs no database."""
    names = {*os.environ, *dotenv_values(".env")}
    checked = [*settings_findings(settings, names), port_finding(settings), pages_finding(), rows_finding()]
    return [*checked, disk_finding(settings.data_dir)] if settings.mongodb_uri is None else checked


def settings_findings(settings: Settings, names: set[str]) -> list[Finding]:
    """Find settings that contradict each other, and names of the environment that are no settings."""
    found = [warning("settings", what, remedy) for what, remedy in _contradictions(settings)]
    known = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields} | _OTHER_NAMES
    found += [
        warning("settings", f"{name} is no setting.", "Correct its name (the README lists them), or remove it.")
        for name in sorted(names)
        if name.upper().startswith("GATEWAY_") and name.upper() not in known
    ]
    return found or [ok("settings", "all can be read, and none contradicts another")]


def _contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.request_timeout_ms < settings.query_timeout_ms:
        yield (
            f"GATEWAY_REQUEST_TIMEOUT_MS ({settings.request_timeout_ms}) is less than GATEWAY_QUERY_TIMEOUT_MS "
            f"({settings.query_timeout_ms}): no command ever gets its time.",
            "Raise the first or lower the second.",
        )
    if settings.request_timeout_ms < settings.connect_timeout_ms:
        yield (
            f"GATEWAY_REQUEST_TIMEOUT_MS ({settings.request_timeout_ms}) is less than GATEWAY_CONNECT_TIMEOUT_MS "
            f"({settings.connect_timeout_ms}): a request ends before a database out of reach is seen as such.",
            "Raise the first or lower the second.",
        )
    unused = [name for name in _EMBEDDED_ONLY if name in settings.model_fields_set and getattr(settings, name)]
    if settings.mongodb_uri is not None and unused:
        names = ", ".join(f"GATEWAY_{name.upper()}" for name in unused)
        yield (
            f"GATEWAY_MONGODB_URI is set, and {names} besides, which only an embedded mongod heeds.",
            "Remove what is not meant.",
        )


def port_finding(settings: Settings) -> Finding:
    """Tell whether the address to listen on is free, or a gateway's."""
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if _is_live(host, port):
            return ok("port", f"a gateway serves on {host} port {port}")
        return problem(
            "port",
            f"{host} port {port} cannot be listened on ({error.strerror}), and no gateway answers there.",
            "Set GATEWAY_HOST and GATEWAY_PORT to an address of this machine and a free port.",
        )
    return ok("port", f"{host} port {port} is free")


def _is_live(host: str, port: int) -> bool:
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the address that stands for all
    place = f"[{asked}]" if ":" in asked else asked
    try:
        answer: Any = httpx2.get(f"http://{place}:{port}/health/live", timeout=_LIVE_SECONDS, trust_env=False).json()
    except (httpx2.HTTPError, ValueError):
        return False
    return isinstance(answer, Mapping) and answer.get("status") == "live"


def pages_finding() -> Finding:
    """Tell whether the files of the explorer and of the REST reference are all there."""
    missing = unready_files(VENDOR_FILES)
    if not missing:
        return ok("pages", "the explorer's and the reference's files are there and unaltered")
    return warning(
        "pages",
        f"{len(missing)} files of the explorer or the reference are missing or altered, such as {missing[0].name}: "
        "the page stays empty.",
        "Run `make setup`, or `python -m app.server.pages.fetch`.",
    )


def rows_finding() -> Finding:
    """Tell whether rows are written by the compiled library."""
    if library() is not None:
        return ok("rows", "the compiled library is there")
    return warning(
        "rows",
        "The compiled library is missing, or was built of other source: rows are decoded in Python, which is slower.",
        "Install a C compiler such as gcc, and the package again: `pip install --force-reinstall --no-deps .`.",
    )


def disk_finding(directory: Path) -> Finding:
    """Tell how much room the embedded mongod has."""
    place = directory.expanduser().absolute()
    existing = next(one for one in (place, *place.parents) if one.exists())
    free = shutil.disk_usage(existing).free // _MEGABYTE
    if not os.access(existing, os.W_OK | os.X_OK):
        return problem(
            "disk",
            f"the data directory {place} cannot be written.",
            "Make it writable, or set GATEWAY_DATA_DIR to a directory that is.",
        )
    found = f"{free:,} MB are free for the data directory {place}"
    remedy = "Free some space, or set GATEWAY_DATA_DIR to another disk: a mongod without room ends."
    if free < TOO_LITTLE_MB:
        return problem("disk", f"{found}.", remedy)
    return warning("disk", f"{found}.", remedy) if free < SCARCE_MB else ok("disk", found)
