"""The pages and their files: what is served, under which headers."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from graphql import OperationDefinitionNode, parse
from starlette.applications import Starlette
from starlette.routing import Route

from app.server.pages import fetch, vendored
from app.server.pages.assets import ASSETS, HERE, OWN_FILES, asset_address
from app.server.pages.page import DOCS, EXPLORER, Page, page_routes

PAGES = pytest.mark.parametrize(
    ("address", "page"), [("/graphql", EXPLORER), ("/docs", DOCS)], ids=["explorer", "docs"]
)


@pytest.fixture(scope="module", autouse=True)
def _pages_files() -> None:
    """Do what `make setup` does; nothing where it was done."""
    fetch.fetch()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Make a client of an application that has only the pages."""
    app = Starlette(routes=[Route("/graphql", lambda _request: EXPLORER.answer()), *page_routes()])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        yield client


@PAGES
async def test_a_page_stands_under_the_strict_policy(client: httpx2.AsyncClient, address: str, page: Page) -> None:
    """Scripts, styles and requests only from this host, nothing inline, in no frame."""
    answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert {name: answer.headers[name] for name in page.headers} == page.headers
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", answer.text)


@PAGES
async def test_whatever_a_page_loads_is_served(client: httpx2.AsyncClient, address: str, page: Page) -> None:
    """Each file that it names is under /assets/ and answers; a fetched file's address may be cached for ever."""
    html = (await client.get(address)).text
    named = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"', html)
    loaded = [file.name for file in page.files if not file.name.endswith(".txt")]
    assert {name for one in named if "/vendor/" in one for name in re.findall(r"/vendor/([^?]+)", one)} == set(loaded)
    for one in named:
        assert one.startswith("/assets/")
        answer = await client.get(one)
        assert answer.status_code == 200, one
        expected = "public, max-age=31536000, immutable" if "/vendor/" in one else "no-cache"
        assert answer.headers["cache-control"] == expected


async def test_the_pages_lead_to_each_other(client: httpx2.AsyncClient) -> None:
    """The explorer's bar links to the reference, and the reference's to the explorer."""
    assert 'href="/docs"' in (await client.get("/graphql")).text
    assert 'href="/graphql"' in (await client.get("/docs")).text


@pytest.mark.parametrize("name", sorted(ASSETS))
async def test_an_asset_is_sent_whole_with_its_type_and_tag(client: httpx2.AsyncClient, name: str) -> None:
    """Plain or packed it is the file's bytes; asked again with its tag, the answer is 304 without a body."""
    address = asset_address(name)
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    packed = await client.get(address, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert plain.content == packed.content == ASSETS[name].path.read_bytes()
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["etag"] != packed.headers["etag"]
    for answer in (plain, packed):
        assert answer.headers["vary"] == "Accept-Encoding"
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "json": "application/json"}
    assert plain.headers["content-type"].partition(";")[0] == kinds.get(name.rpartition(".")[2], "text/plain")
    again = await client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip;q=0", None), ("gzip; q=0.0, br", None), ("GZIP", "gzip")])
async def test_gzip_is_sent_only_where_it_is_taken(
    client: httpx2.AsyncClient, accepted: str, encoding: str | None
) -> None:
    """A weight of zero is a refusal; names have no case."""
    answer = await client.get("/assets/explorer/explorer.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding


@pytest.mark.parametrize("version", ["", "?v=", "?v=0000000000000000"])
async def test_only_the_address_of_the_very_content_is_cached_for_ever(
    client: httpx2.AsyncClient, version: str
) -> None:
    """A fetched file asked for without its version, or with another's, is to be asked for again."""
    answer = await client.get(f"/assets/vendor/graphiql.min.js{version}")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["page.py", "docs/docs.html", "vendor", "vendor/", "", "%2e%2e/pages/page.py", "vendor/..%2fpage.py", "a%00b"],
)
async def test_nothing_outside_the_table_is_served(client: httpx2.AsyncClient, path: str) -> None:
    """No path leads to another file."""
    assert (await client.get(f"/assets/{path}")).status_code == 404


@PAGES
async def test_without_its_fetched_files_a_page_says_how_to_fetch_them(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, page: Page
) -> None:
    """503 with the command and what works meanwhile, under the same policy."""
    monkeypatch.setattr(vendored, "VENDOR", tmp_path)
    answer = await client.get(address)
    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert "python -m app.server.pages.fetch" in answer.text
    assert page.instead in answer.text
    assert answer.headers["content-security-policy"] == page.headers["Content-Security-Policy"]


def test_our_own_files_name_no_other_host() -> None:
    """The page can be used where no other host is in reach."""
    for path in (EXPLORER.source, DOCS.source, *(HERE / name for name in OWN_FILES)):
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in re.sub(r"^\s*// .*$", "", text, flags=re.MULTILINE), path.name


def test_each_example_is_one_operation_under_its_title() -> None:
    """GraphiQL names a tab after its operation, so the title is the operation's name."""
    examples = json.loads((HERE / "explorer" / "examples.json").read_text(encoding="utf-8"))
    assert len(examples) >= 4
    for example in examples:
        (operation,) = parse(example["query"]).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        assert operation.name.value == example["title"]
        declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
        assert set(example["variables"]) == declared


@PAGES
def test_a_page_stays_small(address: str, page: Page) -> None:
    """All that a first visit loads of others' files is at most 0.7 MB packed."""
    loaded = [file.path for file in page.files if not file.name.endswith(".txt")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < 700_000, address
