"""What all REST operations have in common in `/openapi.json`: keys, headers, problems."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from app.server.problems import PROBLEM_SCHEMA

_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key, as a bearer token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The API key by itself."},
}
SECURITY: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY_SCHEMES]

_TEXT = {"type": "string"}
_HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "Id of this request, as it stands in the server's log; one that was sent is kept.",
        "required": True,
        "schema": _TEXT,
    },
    "RateLimit": {"description": "What is left of the key's budget: r, and in how many seconds: t.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "The key's budget: q in w seconds.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How a key is sent.", "required": True, "schema": _TEXT},
}
_ALWAYS = ("X-Request-ID",)
_BUDGET = (*_ALWAYS, "RateLimit", "RateLimit-Policy")
# status -> name, description, headers
_PROBLEMS: dict[str, tuple[str, str, Sequence[str]]] = {
    "400": ("BadInput", "A parameter cannot be meant, or passes a limit; `errors` names it.", _BUDGET),
    "401": ("NotAuthenticated", "No API key, or one that is not valid.", (*_ALWAYS, "WWW-Authenticate")),
    "403": ("Forbidden", "The key lacks the scope.", _BUDGET),
    "404": ("NotFound", "Not in this organization.", _BUDGET),
    "429": (
        "TooManyRequests",
        "The key's budget is used up, or too many requests of its organization wait.",
        (*_BUDGET, "Retry-After"),
    ),
    "500": ("InternalError", "Something went wrong; the server's log has the reason.", _BUDGET),
    "503": (
        "Unavailable",
        "The database cannot be reached, or the gateway is too busy.",
        (*_BUDGET, "Retry-After"),
    ),
    "504": ("TimedOut", "The request took longer than its time budget.", _BUDGET),
}


def answer_headers() -> dict[str, Any]:
    """Describe the headers of an answer with data."""
    return _described(_BUDGET)


def problem_responses(*, may_be_missing: bool) -> dict[str, Any]:
    """Refer to the problems of an operation, by status; 404 only where a path names what may be missing."""
    return {
        status: {"$ref": f"#/components/responses/{name}"}
        for status, (name, _, _) in _PROBLEMS.items()
        if status != "404" or may_be_missing
    }


def describe_common_parts(app: FastAPI) -> None:
    """Add to the application's document what its operations refer to."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).update(_components())
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _components() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "securitySchemes": _SECURITY_SCHEMES,
        "headers": _HEADERS,
        "schemas": {"Problem": PROBLEM_SCHEMA},
        "responses": {
            name: {"description": description, "headers": _described(headers), "content": content}
            for name, description, headers in _PROBLEMS.values()
        },
    }


def _described(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
