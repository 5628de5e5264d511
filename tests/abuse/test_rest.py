"""Hostile parameters and paths of REST, walked from the registry."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest

from app.faces.rest.parameters import Parameter
from app.registry import DATASETS
from tests.abuse.attacks import Attack, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.values import TEXTS
from tests.answers.test_errors_everywhere import OPERATIONS

TEMPLATES = [route.path for one in DATASETS for route in one.routes if "{" in route.path]
_LONGEST = max(TEMPLATES, key=lambda path: path.count("{"))


def operations() -> Iterator[tuple[str, tuple[Parameter, ...]]]:
    """Each REST operation with its parameters; without those that another one of the dataset has already."""
    seen: set[tuple[str, str]] = set()
    for path, parameters, dataset in OPERATIONS:
        fresh = tuple(one for one in parameters if (dataset.name, one.name) not in seen)
        seen |= {(dataset.name, one.name) for one in fresh}
        if fresh:
            yield path, fresh


ASKED = list(operations())
STRINGS = {
    "ampersands": "&" * 5_000,
    "equals": "=" * 5_000,
    "percents": "%&%4&%zz",
    "not UTF-8": "limit=%ff",
    "name not UTF-8": "%ff=1",
    "name of nul": "%00=1",
    "name of line ends": "%0d%0aX-Injected:%20zzmarkzz=1",
    "name of markup": "%3Cscript%3E=1",
    "operator": "limit[$gt]=1&limit[]=2",
    "101 parameters": "limit=1&" * 101,
    "thousands": "&".join(f"a{n}=1" for n in range(5_000)),
    "long name": "x" * 30_000 + "=1",
    "surrogate name": "%ed%a0%80=1",
}


@pytest.mark.parametrize(("path", "parameters"), ASKED, ids=[path for path, _ in ASKED])
async def test_no_parameter_does_harm(
    client: httpx2.AsyncClient, abused: BoundedGateway, path: str, parameters: tuple[Parameter, ...]
) -> None:
    """Each parameter with each value, alone, and twice; query strings that are none."""
    attacks = [
        Attack(f"{path} {parameter.name} {name}", f"{path}?{parameter.name}={quote(text, safe='')}")
        for parameter in parameters
        for name, text in TEXTS.items()
    ]
    attacks += [Attack(f"{path} {one.name} twice", f"{path}?{one.name}=a&{one.name}=b") for one in parameters]
    attacks += [Attack(f"{path} {name}", f"{path}?{string}") for name, string in STRINGS.items()]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_path_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Each part of each path with each value; another organization's name, in any writing, is not there."""
    parts = {
        "service": "analytics",
        "org": abused.mine.org_name,
        "catalog": "catalog-0",
        "space": "s",
        "id": "call-000001",
    }
    attacks = [
        Attack(f"{template} {part} {name}", template.format(**{**parts, part: quote(text, safe="")}))
        for template in ("/summary/{id}", _LONGEST)
        for part in parts
        if f"{{{part}}}" in template
        for name, text in TEXTS.items()
    ]
    assert await faults(client, abused.mine.key, attacks) == []
    theirs = abused.theirs.org_name
    for written in (
        theirs,
        theirs.upper(),
        f"%{ord(theirs[0]):02x}{theirs[1:]}",
        f"{theirs}%00",
        f"./{theirs}",
        f"{abused.mine.org_name}%2F..%2F{theirs}",
    ):
        for template in TEMPLATES:
            if "{org}" in template:
                answer = await client.get(
                    template.format(**{**parts, "org": written}), headers={"X-API-Key": abused.mine.key}
                )
                assert answer.status_code in {400, 404}, answer.text


async def test_no_address_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Paths that are none, or try to leave; by every method."""
    paths = [
        "/%2e%2e/%2e%2e/etc/passwd", "//evil.example/summary", "/summary/", "/summary//count", "/SUMMARY",
        "/summary;a=b",
        "/summary/%2e%2e%2fcount", "/summary%00", "/%ff%fe", "/static/../app/main.py", "/.env", "/.git/config",
        "/graphql/",
        "/graphql/..%2fsummary", "/export/summary-events.xml", "/export/..%2f..%2f.env", "/metrics", "/docs", "/redoc",
        "/openapi.json", "/health/live", "/health/ready", "/" + "a" * 30_000, "/" + "a/" * 10_000, "/" + "%2f" * 10_000,
        "/summary?" + "?" * 1_000, "/*", "/summary/%E2%80%AE", "/summary/{id}", "/summary/a#b",
    ]  # fmt: skip
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X" * 20)
    attacks = [
        Attack(f"{method} {path[:40]}", path, method, b"{" if method == "POST" else None)
        for path in paths
        for method in methods
    ]
    assert await faults(client, abused.mine.key, attacks) == []
    assert await faults(client, None, attacks) == []
