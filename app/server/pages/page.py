"""The pages themselves: the explorer at `/graphql`, the API reference at `/docs`, or how to fetch their files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.server.pages.assets import HERE, asset_address, asset_routes
from app.server.pages.vendored import DOCS_FILES, EXPLORER_FILES, VendorFile, unready_files

# `data:` is for the fonts, icons and cursors inside the style sheets of GraphiQL and Swagger UI.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_NOT_FETCHED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title} not fetched - Analytics gateway</title>
<h1>The files of this page are not here yet</h1>
<p>They come from npm and are not part of the source. On the gateway's machine, run</p>
<pre>make setup</pre>
<p>or <code>python -m app.server.pages.fetch</code>, then load this page again.</p>
<p>The API itself works without them: <code>{instead}</code>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its HTML, the fetched files that it is made of, and what to use while those are not here."""

    title: str
    source: Path
    files: tuple[VendorFile, ...]
    instead: str
    more_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What every answer with this page carries."""
        return {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Cache-Control": "no-cache",
            **self.more_headers,
        }

    def answer(self, *, introspection: bool = True) -> Response:
        """Answer the page. It holds nothing of any organization, so it needs no key.

        Without `introspection` the explorer says so, and does not ask for the schema.
        Where its fetched files are missing or are not the ones in the table, the answer is 503 with a page that says
        how to fetch them.
        """
        if unready_files(self.files):
            missing = _NOT_FETCHED.format(title=self.title, instead=self.instead)
            return HTMLResponse(missing, status_code=503, headers=self.headers)
        html = _html(self.source, self.source.stat().st_mtime_ns, introspection=introspection)
        return HTMLResponse(html, headers=self.headers)


EXPLORER = Page(
    title="Explorer",
    source=HERE / "explorer" / "explorer.html",
    files=EXPLORER_FILES,
    instead="POST /graphql",
    more_headers={"Vary": "Accept"},  # the same address answers GraphQL to whoever does not ask for HTML
)
DOCS = Page(
    title="API reference",
    source=HERE / "docs" / "docs.html",
    files=DOCS_FILES,
    instead="GET /openapi.json",
)


def page_routes() -> list[Route]:
    """Route `/docs`, and the files of all pages. The explorer shares its address with GraphQL's endpoint."""
    return [Route("/docs", _docs, methods=["GET"]), *asset_routes()]


async def _docs(_request: Request) -> Response:
    return DOCS.answer()


@lru_cache(maxsize=4)
def _html(source: Path, _changed: int, *, introspection: bool) -> str:
    """Put each file's full address into the page; a file outside the table is a KeyError."""
    html = source.read_text(encoding="utf-8")
    if not introspection:
        html = html.replace('data-introspection="on"', 'data-introspection="off"')
    return re.sub(r'(?<=")/assets/([^"]+)(?=")', lambda found: asset_address(found[1]), html)
