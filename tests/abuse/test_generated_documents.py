"""Documents that hypothesis-graphql makes of the schema: valid ones, and ones that are not."""

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, queries

from tests.abuse.attacks import asking, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.drawn_from_schema import ANSWERABLE, ANY, SCHEMA, VALID
from tests.abuse.test_values import ROOTS

EXAMPLES = 20
on_the_gateway = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("root", ROOTS)
@given(data=st.data())
@on_the_gateway
async def test_no_document_that_keeps_to_the_schema_does_harm(
    client: httpx2.AsyncClient, abused: BoundedGateway, root: str, data: st.DataObject
) -> None:
    """On plain records and on odd ones: most are answered, the others refused for what their values say."""
    document = data.draw(queries(ANSWERABLE, fields=[root], custom_scalars=VALID, allow_null=False))
    for owner in (abused.mine, abused.odd):
        assert await faults(client, owner.key, [asking(document, document)]) == []


@pytest.mark.parametrize("mode", Mode, ids=[mode.name.lower() for mode in Mode])
@given(data=st.data())
@on_the_gateway
async def test_no_document_of_odd_values_does_harm(
    client: httpx2.AsyncClient, abused: BoundedGateway, mode: Mode, data: st.DataObject
) -> None:
    """Of several root fields, with values that mean nothing; negative ones break the schema too."""
    document = data.draw(queries(SCHEMA, custom_scalars=ANY, mode=mode))
    assert await faults(client, abused.mine.key, [asking(document, document)]) == []
