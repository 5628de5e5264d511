"""What must hold for every answer, whatever was asked."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.server.test_bad_graphql_input import INTERNALS

GRAPHQL_CODES = frozenset(
    {
        "UNAUTHENTICATED",
        "FORBIDDEN",
        "BAD_USER_INPUT",
        "LIMIT_EXCEEDED",
        "RATE_LIMITED",
        "TIMEOUT",
        "UNAVAILABLE",
        "PERSISTED_QUERY_NOT_FOUND",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    }
)
REST_CODES = GRAPHQL_CODES | {"NOT_FOUND", "METHOD_NOT_ALLOWED"}
BUSY = frozenset({429, 503, 504})  # where a test asks for more than is there
LONGEST_MESSAGE, LONGEST_ANSWER = 600, 16 * 1024 * 1024
MARK = "zzmarkzz"  # put into what is sent: no header of an answer may have it
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_JSON_TYPES = {"application/json", "application/graphql-response+json", "application/problem+json"}


def faults_of(answer: httpx2.Response, sent: str, allowed: frozenset[int] = frozenset()) -> list[str]:
    """Tell what is wrong with an answer; `sent` is what the caller wrote, which may be shown to that caller."""
    faults = list(_faults_of_head(answer, allowed))
    media = answer.headers.get("content-type", "").partition(";")[0]
    if answer.request.method == "HEAD" or answer.status_code in {204, 304, 307}:
        return faults
    if len(answer.content) > LONGEST_ANSWER:
        faults.append(f"an answer of {len(answer.content)} bytes")
    if media in _JSON_TYPES:
        faults += _faults_of_json(answer.content, sent)
    elif answer.status_code >= 400:
        faults.append(f"{answer.status_code} as {media!r}: {answer.text[:80]!r}")
    return faults


def _faults_of_head(answer: httpx2.Response, allowed: frozenset[int]) -> Iterator[str]:
    status, headers = answer.status_code, answer.headers
    if (status >= 500 or status == 429) and status not in allowed:
        yield f"status {status}: {answer.text[:200]}"
    if status >= 500 and status not in BUSY:
        yield f"status {status} is never due"
    if headers.get("x-content-type-options") != "nosniff" or headers.get("referrer-policy") != "no-referrer":
        yield "a header that every answer has is missing"
    if not _REQUEST_ID.fullmatch(headers.get("x-request-id", "")):
        yield "no plain request id"
    if "server" in headers or "x-powered-by" in headers or "set-cookie" in headers:
        yield "a header that tells of the server"
    if "access-control-allow-origin" in headers:
        yield "another origin may read it"
    if MARK in str(headers.raw):
        yield "a header shows what was sent"


def _faults_of_json(content: bytes, sent: str) -> Iterator[str]:
    try:
        body = json.loads(content.decode(), parse_constant=_refuse)
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    for code, message in _errors(body):
        if code not in REST_CODES:
            yield f"code {code}: {message[:200]}"
        if len(message) > LONGEST_MESSAGE:
            yield f"a message of {len(message)} characters"
        # What the caller wrote is no secret; what else sounds of the inside is.
        inner = [found[0] for found in INTERNALS.finditer(message) if found[0] not in sent]
        if inner:
            yield f"tells {inner}: {message[:200]}"


def _errors(body: Any) -> list[tuple[str, str]]:
    """The codes and messages of an answer, of either face."""
    if not isinstance(body, dict):
        return []
    if "detail" in body:
        return [(body.get("code", ""), body["detail"])]
    return [(error["extensions"]["code"], error["message"]) for error in body.get("errors", ())]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
