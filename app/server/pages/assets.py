"""The pages' files over HTTP, under `/assets/`."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.server.pages.vendored import VENDOR_FILES
from app.server.problems import problem_response

HERE = Path(__file__).parent

OWN_FILES = (
    "bar.css",
    "favicon.svg",
    "key.js",
    "explorer/examples.json",
    "explorer/explorer.css",
    "explorer/explorer.js",
    "explorer/gateway.js",
    "explorer/scrolling.js",
    "docs/docs.css",
    "docs/docs.js",
)

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

REVALIDATE = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """One file that may be served; with a version, an address that names it may be cached for ever."""

    path: Path
    version: str | None = None


class Body(NamedTuple):
    """A file's bytes as sent, and the entity tag of just those bytes."""

    content: bytes
    etag: str


ASSETS: Mapping[str, Asset] = MappingProxyType(
    {name: Asset(HERE / name) for name in OWN_FILES}
    | {f"vendor/{file.name}": Asset(file.path, file.version) for file in VENDOR_FILES}
)


def asset_routes() -> list[Route]:
    """Route all addresses under `/assets/`: a file in `ASSETS` is served, any other path answers 404."""
    return [Route("/assets/{name:path}", _serve, methods=["GET"], name="assets")]


def asset_address(name: str) -> str:
    """Say where the page finds a file; a fetched file's address changes with its content."""
    asset = ASSETS[name]
    return f"/assets/{name}?v={asset.version}" if asset.version else f"/assets/{name}"


def _serve(request: Request) -> Response:
    asset = ASSETS.get(request.path_params["name"])
    try:
        changed = asset.path.stat().st_mtime_ns if asset else None
    except OSError:
        changed = None
    if asset is None or changed is None:
        return problem_response(404, "Not Found", "There is no such file.", "NOT_FOUND")
    zipped = _takes_gzip(request.headers.get("accept-encoding", ""))
    body = _body(asset.path, changed, zipped=zipped)
    fixed = asset.version is not None and request.query_params.get("v") == asset.version
    headers = {
        "Cache-Control": FOR_EVER if fixed else REVALIDATE,
        "ETag": body.etag,
        "Vary": "Accept-Encoding",
    }
    if body.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(body.content, headers=headers, media_type=CONTENT_TYPES[asset.path.suffix])


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip by its name."""
    for item in accepted.split(","):
        coding, _, weight = item.replace(" ", "").lower().partition(";")
        if coding == "gzip":
            return weight.rstrip("0.") != "q="
    return False


@lru_cache(maxsize=4 * len(ASSETS))
def _body(path: Path, _changed: int, *, zipped: bool) -> Body:
    """Read and pack a file once for as long as it stays unchanged."""
    content = path.read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:16]
    if zipped:
        return Body(gzip.compress(content, mtime=0), f'"{tag}-gzip"')
    return Body(content, f'"{tag}"')
