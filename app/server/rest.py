"""Mounts the datasets' REST routes and other operations, and describes them in OpenAPI."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from app.errors import GatewayError, Internal
from app.faces.context import RequestContext
from app.faces.rest.parameters import Parameter, read_parameters
from app.faces.rest.routes import RestRoute
from app.query.dataset import Dataset
from app.scope import Permission
from app.server.openapi import SECURITY, answer_headers, problem_responses
from app.server.places import Face, Place
from app.server.presence import CLIENT_CLOSED_REQUEST, ClientGone
from app.server.problems import problem
from app.server.reception import Admitted, Reception
from app.server.record import record_of
from app.server.sharing import Sharing
from app.server.validators import is_closed, is_held, keepable, not_modified
from app.server.writing import write_json

log = structlog.get_logger(__name__)

_HEADERS = {"Content-Type": "application/json"}
_SEARCH_TIME = re.compile(rb'"search_time":\d+')  # differs from answer to answer, and says nothing of the records

Respond = Callable[[Admitted, Mapping[str, Any]], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET as the server mounts it. For OpenAPI, `tag` groups it, and `content` is its answer by media type.

    Keys without the `permission` get 403.
    """

    permission: Permission
    path: str
    name: str
    tag: str
    description: str
    parameters: tuple[Parameter, ...]
    respond: Respond
    content: Mapping[str, Any]
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    face: Face = Face.REST


def mount_routes(app: FastAPI, dataset: Dataset, routes: Iterable[RestRoute], reception: Reception) -> None:
    """Add a GET for each route of a dataset."""
    for route in routes:
        content = {"application/json": {"schema": dict(route.schema)}}
        operation = Operation(
            dataset.permission,
            route.path,
            route.name,
            dataset.name,
            route.description,
            route.parameters,
            _answer_in_json(route, reception),
            content,
            route.path_parameters,
        )
        mount_operation(app, operation, reception)


def mount_operation(app: FastAPI, operation: Operation, reception: Reception) -> None:
    """Add a GET: the key is checked first, then the parameters are read; an error is answered as a problem."""
    app.add_api_route(
        # An id may hold a slash, percent-encoded.
        operation.path.replace("{id}", "{id:path}"),
        _endpoint(operation, reception),
        methods=["GET"],
        operation_id=operation.name,
        summary=operation.description,
        tags=[operation.tag],
        response_class=Response,
        openapi_extra=_openapi(operation),
        include_in_schema=True,
    )


def _answer_in_json(route: RestRoute, reception: Reception) -> Respond:
    sharing = Sharing[bytes]()

    async def respond(admitted: Admitted, values: Mapping[str, Any]) -> Response:
        request, cost = admitted.request, route.cost(values)

        async def make(context: RequestContext) -> bytes:
            await reception.charge(admitted, cost)
            return write_json(await route.answer(context, values, request.path_params))

        question = (request.scope["path"], request.scope["query_string"])
        body, shared = await reception.answer(admitted, question, sharing, make)
        if shared:
            await reception.charge(admitted, cost)
        headers: Mapping[str, str] = _HEADERS
        if is_closed(route.window_end(values)):
            headers = keepable(_SEARCH_TIME.sub(b"", body, count=1), headers)
            if is_held(request, headers):
                return not_modified(headers)
        return reception.outbox.answer(admitted.scope.organization_id, body, 200, headers)

    return respond


def _endpoint(operation: Operation, reception: Reception) -> Callable[[Request], Awaitable[Response]]:
    place = Place(operation.face, operation.name, operation.path)

    async def endpoint(request: Request) -> Response:
        record = record_of(request)
        record.place = place
        try:
            admitted = await reception.admit(request)
            admitted.check_permission(operation.permission)
            values = read_parameters(request.scope["query_string"], operation.parameters)
            return await operation.respond(admitted, values)
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except GatewayError as error:
            record.code = error.code
            return problem(error, record.request_id)
        except Exception:
            log.exception("rest_request_failed", route=operation.path)
            record.code = Internal.code
            return problem(Internal(), record.request_id)

    return endpoint


def _openapi(operation: Operation) -> dict[str, Any]:
    path = [
        {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
        for name, description in operation.path_parameters.items()
    ]
    return {
        "parameters": [*path, *(parameter.openapi() for parameter in operation.parameters)],
        "responses": {
            "200": {"description": "The answer.", "headers": answer_headers(), "content": dict(operation.content)},
            **problem_responses(may_be_missing=bool(path)),
        },
        "security": SECURITY,
    }
