"""What `/openapi.json` promises: a valid document of every REST operation, which the answers keep."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from schemathesis import Case, Config, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.access.administration import NewKey, create_key
from app.faces.rest.formats import FORMATS
from app.registry import DATASETS
from app.server.exports import export_path
from tests.gateways import ORG_NAME, ORGANIZATION_ID, make_settings, open_test_store
from tests.seed_records import seed_summary_events

PATHS = [
    *(route.path for one in DATASETS for route in one.routes),
    *(export_path(export, form) for one in DATASETS for export in one.exports for form in FORMATS),
]
EXAMPLES = 10
NOT_THERE = {"/analytics/{service}/spaces/{org}/{catalog}/{space}/summary/{id}"}  # no seed is in a space
# What the served gateway has, so that paths lead somewhere.
_EVENT = seed_summary_events()[0]
OURS = {
    "org": ORG_NAME,
    "catalog": _EVENT["catalog_name"],
    "space": "a-space",
    "id": _EVENT["summary_event_id"],
}


@pytest.fixture(scope="module")
def description(served: tuple[str, str]) -> OpenApiSchema:
    """The document as a client gets it, without a key."""
    config = Config()
    config.projects.default.generation.update(
        allow_x00=False
    )  # no text may hold NUL, and saying so in each schema would tell nobody
    return schemathesis.openapi.from_url(f"{served[0]}/openapi.json", config=config)


@pytest.fixture
async def key(mongodb_uri: str) -> str:
    """A key of the served gateway with a budget of its own."""
    async with await open_test_store(make_settings(mongodb_uri=mongodb_uri, database="served")) as store:
        return str(await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME)))


def test_the_document_is_valid_and_whole(description: OpenApiSchema) -> None:
    """By the meta-schema of the OpenAPI version that it names; with every REST path, and no other."""
    assert description.raw_schema["openapi"].startswith("3.1.")
    description.validate()
    assert set(description.raw_schema["paths"]) == {*PATHS, "/metrics"}


# Parameters that exclude each other, and those with rules of their own, which OpenAPI cannot say.
EDGES = ("timeStart", "timeEnd", "minutes", "start", "end")
RULED = ("after", "timeframe", "sort")


def sure(query: dict[str, Any]) -> dict[str, Any]:
    """Leave what the description alone makes right: at most one edge of a window, and one key of an order."""
    edge = next((name for name in EDGES if name in query), None)
    kept = {name: value for name, value in query.items() if name == edge or name not in {*EDGES, *RULED}}
    return {**kept, "sort": query["sort"].split(",")[0]} if "sort" in query else kept


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["meant", "not meant"])
@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_described(
    served: tuple[str, str], description: OpenApiSchema, key: str, path: str, mode: GenerationMode
) -> None:
    """Whatever is asked: no server error; status, media type, headers and body are among those described.

    What the description allows is answered with data.
    """
    headers = {"Authorization": f"Bearer {key}", "X-API-Key": key}
    statuses: Counter[int] = Counter()
    meant = mode is GenerationMode.POSITIVE
    operation = description[path]["GET"]
    fixed = {name: value for name, value in OURS.items() if f"{{{name}}}" in path} if meant else None

    @examples(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=fixed))
    def ask(case: Case[Any]) -> None:
        if meant:
            case.query = sure(case.query)
        answer = case.call(base_url=served[0], headers=headers)
        statuses[answer.status_code] += 1
        case.validate_response(answer, headers=headers, transport_kwargs={"base_url": served[0], "headers": headers})

    ask()
    if meant:
        assert set(statuses) == {404 if path in NOT_THERE else 200}
    else:  # a part of a path that names nothing is looked at before the parameters
        assert statuses[400] or ("{" in path and statuses[404])
