"""Errors of REST as problem details (RFC 9457)."""

from typing import Any

import orjson
from starlette.responses import Response

from app.errors import GatewayError, Internal, InvalidInput, NotFound, Unauthenticated, Unavailable
from app.server.presence import CLIENT_CLOSED_REQUEST

_MEDIA = "application/problem+json"
_CODES = {
    404: NotFound.code,
    405: "METHOD_NOT_ALLOWED",
    CLIENT_CLOSED_REQUEST: "CLIENT_CLOSED_REQUEST",
    503: Unavailable.code,
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "requestId": {"type": "string", "description": "With INTERNAL: the request's id, as in the log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"parameter": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def problem(error: GatewayError, request_id: str) -> Response:
    """Answer an error; one whose reason is in the log only tells the id to look for there."""
    return problem_response(
        error.status,
        error.title,
        error.message,
        error.code,
        argument=error.argument,
        request_id=request_id if error.code == Internal.code else None,
        headers=error_headers(error),
    )


def code_of_status(status: int) -> str | None:
    """Tell the code of an answer that has none of its own; None for one that is no error."""
    if status < 400:
        return None
    return _CODES.get(status, Internal.code if status >= 500 else InvalidInput.code)


def error_headers(error: GatewayError) -> dict[str, str]:
    """Tell what an error's status asks for beside the body, in either face."""
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return headers


def problem_response(
    status: int,
    title: str,
    detail: str,
    code: str,
    *,
    argument: str | None = None,
    request_id: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer with problem details; `argument` is the parameter that is wrong, where it is one."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    if argument is not None:
        body["errors"] = [{"parameter": argument, "detail": detail}]
    if request_id is not None:
        body["requestId"] = request_id
    return Response(
        orjson.dumps(body),
        status_code=status,
        headers={"Content-Type": _MEDIA, **(headers or {})},
    )
