"""A GraphQL request out of an HTTP request, read strictly."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from app.errors import InvalidInput
from app.query.limits import BODY_BYTES
from app.server.graphql.extensions import NO_EXTENSIONS, Extensions, read_extensions
from app.server.graphql.refusals import TooLarge, TooSlow, UnsupportedEncoding, UnsupportedMediaType
from app.store.deadlines import Deadline

_PARAMETERS = ("query", "variables", "operationName", "extensions")
_MOST_PARAMETERS = 20


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What to execute. `query` is "" where only its hash came; `by_get` requests change nothing."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: Extensions = NO_EXTENSIONS
    by_get: bool = False

    @property
    def question(self) -> tuple[object, ...]:
        """All that the answer depends on; variables that nest too deeply to be written are like no others."""
        try:
            variables: object = orjson.dumps(self.variables, option=orjson.OPT_SORT_KEYS) if self.variables else b""
        except orjson.JSONEncodeError:
            variables = object()
        told = self.extensions.tells_cost, self.extensions.tells_rollups
        return self.query, self.operation_name, variables, self.by_get, told


async def read_request(request: Request, deadline: Deadline) -> GraphQLRequest:
    """Read a GET's parameters or a POST's JSON body.

    Of a name that a JSON object has twice, the last one counts. Raises InvalidInput or RequestRefused; the body is
    never read further than its limit.
    """
    if request.method in {"GET", "HEAD"}:
        return _from_parameters(request.scope["query_string"])
    _check_content_type(request.headers.get("content-type", ""))
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedEncoding("Send the body as it is, without a Content-Encoding.")
    try:
        async with asyncio.timeout(max(deadline.seconds_left, 0)):
            body = await _body(request)
    except TimeoutError:
        raise TooSlow("The body did not come within the time budget of a request.") from None
    try:
        value = orjson.loads(body.decode())
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8.") from None
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The body is not valid JSON in UTF-8: {error.msg}, line {error.lineno} column {error.colno}."
        ) from None
    if not isinstance(value, dict):
        raise InvalidInput('The body must be a JSON object such as {"query": "{ viewer { keyId } }"}.')
    return _checked(value)


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > BODY_BYTES.value:
        raise _too_large()
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_BYTES.value:
            raise _too_large()
        more = message.get("more_body", False)
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {BODY_BYTES.value} bytes.")


@lru_cache(maxsize=64)  # clients send few different ones; an error is raised anew each time
def _check_content_type(header: str) -> None:
    media, *parameters = (part.strip().lower() for part in header.split(";"))
    charset = next((part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")), "utf-8")
    if media != "application/json" or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body as `Content-Type: application/json`, in UTF-8.")


def _from_parameters(query_string: bytes) -> GraphQLRequest:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except UnicodeError:
        raise InvalidInput("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise InvalidInput(f"The query string has more than {_MOST_PARAMETERS} parameters.") from None
    names = [name for name, _ in pairs]
    for name in _PARAMETERS:
        if names.count(name) > 1:
            raise InvalidInput(f"{name}: is given more than once.", argument=name)
    value: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if value.get(name):
            try:
                value[name] = orjson.loads(value[name])
            except orjson.JSONDecodeError:
                raise InvalidInput(f"{name}: is not valid JSON.", argument=name) from None
        else:
            value.pop(name, None)
    return _checked(value, by_get=True)


def _checked(value: dict[str, Any], *, by_get: bool = False) -> GraphQLRequest:
    query, variables, name = value.get("query"), value.get("variables"), value.get("operationName")
    if query is None:
        query = ""
    extensions = read_extensions(value.get("extensions"), query if isinstance(query, str) else "")
    if not isinstance(query, str) or not (query.strip() or (extensions.document_hash and not query)):
        raise InvalidInput("query: a GraphQL document is needed, as text.", argument="query")
    if not isinstance(variables, dict | None):
        raise InvalidInput("variables: must be a JSON object.", argument="variables")
    if not isinstance(name, str | None):
        raise InvalidInput("operationName: must be text.", argument="operationName")
    return GraphQLRequest(query, variables, name or None, extensions, by_get)
