"""GraphQL errors as they go out: every one has a code, and nothing unforeseen shows its reason."""

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError

from app.errors import GatewayError, Internal, InvalidInput
from app.server.graphql.wording import worded

log = structlog.get_logger(__name__)

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
MOST_ERRORS = 5
LONGEST_MESSAGE = 500


def format_error(error: GraphQLError, code: str) -> dict[str, Any]:
    """Show an error of GraphQL itself: message, place, code."""
    return _entry(error, _shortened(worded(error)), code)


def format_execution_error(error: GraphQLError) -> tuple[GatewayError, dict[str, Any]]:
    """Show an error of an operation; what is not the gateway's own is logged and masked."""
    cause = error.original_error
    refused = error if cause is None else cause
    if isinstance(refused, GraphQLError) and refused.nodes and not _is_missing(refused):
        cause = InvalidInput(worded(refused))  # a value that only showed when the operation ran, as null for a default
    if not isinstance(cause, GatewayError):
        missing = isinstance(refused, GraphQLError) and _is_missing(refused)
        # What is missing is a field of ours; other messages may quote a value.
        log.error("graphql_field_failed", reason=error.message if missing else None, exc_info=cause)
        cause = Internal()
    return cause, _entry(error, _shortened(cause.message), cause.code)


def error_body(error: GatewayError) -> dict[str, Any]:
    """Make the body of a request that was refused as a whole."""
    return {"errors": [{"message": _shortened(error.message), "extensions": {"code": error.code}}]}


def request_errors(errors: Sequence[GraphQLError], code: str = InvalidInput.code) -> dict[str, Any]:
    """Make the body of a request that GraphQL refused: it has no `data`."""
    return {"errors": [format_error(error, code) for error in errors[:MOST_ERRORS]]}


def _is_missing(error: GraphQLError) -> bool:
    """Whether a record lacks what the schema promises: a fault of the data, not of the request."""
    return error.message.startswith("Cannot return null for non-nullable field")


def _entry(error: GraphQLError, message: str, code: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        entry["path"] = list(error.path)
    entry["extensions"] = {"code": code}
    return entry


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"
