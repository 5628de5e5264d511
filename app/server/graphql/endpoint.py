"""The endpoint `/graphql`: POST and GET for clients, the explorer for browsers."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import GatewayError, Internal, QueryTimeout, Unavailable
from app.faces.context import RequestContext
from app.server.graphql.execution import Executor, Outcome, Prepared
from app.server.graphql.extensions import cost_told, rollups_told
from app.server.graphql.failures import error_body
from app.server.graphql.negotiation import GRAPHQL, JSON, answer_type, wants_page
from app.server.graphql.persisted import PersistedQueries
from app.server.graphql.refusals import MethodNotAllowed, NotAcceptable, RequestRefused
from app.server.graphql.request import GraphQLRequest, read_request
from app.server.graphql.viewer import VIEWER
from app.server.pages.page import EXPLORER
from app.server.places import EXPLORER_PAGE, Face, Place
from app.server.presence import CLIENT_CLOSED_REQUEST, ClientGone
from app.server.problems import error_headers
from app.server.reception import Admitted, Reception
from app.server.record import RequestRecord, record_of
from app.server.sharing import Sharing
from app.server.validators import is_closed, is_held, keepable, not_modified
from app.server.writing import write_json

log = structlog.get_logger(__name__)

_READING = frozenset({"GET", "HEAD"})
# Faults of the service rather than of the question: they show in the status for plain JSON too.
_SERVICE_FAULTS = (Unavailable, QueryTimeout)
_OF_ONE_ATTEMPT = frozenset({QueryTimeout.code, Internal.code})


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request came to. `written` is the body as it goes out, where nothing of one request is added."""

    outcome: Outcome
    prepared: Prepared | None = None
    written: bytes | None = None


def is_same_for_all(outcome: Outcome) -> bool:
    """Whether everyone who waits gets the same: nothing of it is the fault of one attempt."""
    return all(error["extensions"]["code"] not in _OF_ONE_ATTEMPT for error in outcome.body.get("errors", ()))


class GraphQLEndpoint:
    """ASGI application that answers GraphQL over HTTP (the GraphQL-over-HTTP draft, 2025)."""

    def __init__(
        self, executor: Executor, reception: Reception, persisted: PersistedQueries, settled: Collection[str]
    ) -> None:
        """`settled` are the root fields whose records do not change once the window that is asked for is over."""
        self._executor = executor
        self._reception = reception
        self._persisted = persisted
        self._settled = settled
        self._sharing = Sharing[Answered](lambda answered: is_same_for_all(answered.outcome))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Answer, whatever happens. The key is checked before the body is read."""
        record = record_of(request)
        accept = ", ".join(request.headers.getlist("accept"))
        if request.method in _READING and wants_page(accept):
            record.place = EXPLORER_PAGE
            return EXPLORER.answer(introspection=self._executor.introspection)
        media = JSON
        asked: GraphQLRequest | None = None
        try:
            _check_method(request.method)
            media = answer_type(accept)
            admitted = await self._reception.admit(request)
            asked = await read_request(request, admitted.deadline)
            answered = await self._answered(asked, admitted)
            record.code = answered.outcome.code
            written = answered.written
            if written is None:
                told = _extensions(asked, record, answered.outcome)
                written = write_json(_traceable(answered.outcome.body | told, record))
            headers = _headers(media)
            if request.method in _READING and self._is_closed(answered):
                headers = keepable(written, headers)
                if is_held(request, headers):
                    return not_modified(headers)
            status, organization = _status(answered.outcome, media), admitted.scope.organization_id
            return self._reception.outbox.answer(organization, written, status, headers)
        except (ClientDisconnect, ClientGone):
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except GatewayError as error:
            record.code = error.code
            return _refused(error, media, _extensions(asked, record), record)
        except Exception:
            log.exception("graphql_request_failed")
            record.code = Internal.code
            return _refused(Internal(), media, {}, record)

    async def _answered(self, asked: GraphQLRequest, admitted: Admitted) -> Answered:
        """Run what was asked. A document is kept for its hash once it is known to be valid, and paid for."""
        organization = admitted.scope.organization_id
        complete = self._persisted.complete(organization, asked)

        async def make(context: RequestContext) -> Answered:
            prepared = self._executor.prepare(complete)
            if isinstance(prepared, Outcome):
                return Answered(prepared)
            await self._let_pass(prepared, admitted)
            self._persisted.keep(organization, complete)
            outcome = await self._executor.run(prepared, context)
            plain = not asked.extensions.tells_something and is_same_for_all(outcome)
            return Answered(outcome, prepared, write_json(outcome.body) if plain else None)

        # No document asks who is asking without this name.
        asker = admitted.scope.key_id if VIEWER in complete.query else None
        question = (complete.question, asker)
        answered, shared = await self._reception.answer(admitted, question, self._sharing, make)
        if shared and answered.prepared is not None:
            await self._let_pass(answered.prepared, admitted)
            self._persisted.keep(organization, complete)
        return answered

    def _is_closed(self, answered: Answered) -> bool:
        """Whether all that was asked for lies in windows that have closed, and was answered."""
        prepared = answered.prepared
        if prepared is None or prepared.plan is None or answered.written is None or answered.outcome.code is not None:
            return False
        return is_closed(prepared.plan.window_end(self._settled, prepared.variables))

    async def _let_pass(self, prepared: Prepared, admitted: Admitted) -> None:
        """Note what runs, and take its cost from the key's budget."""
        record = record_of(admitted.request)
        record.place = Place(Face.GRAPHQL, prepared.known.label, record.place.route)
        record.operation_name = prepared.known.name
        await self._reception.charge(admitted, prepared.cost)


def _check_method(method: str) -> None:
    if method not in _READING and method != "POST":
        raise MethodNotAllowed("Ask by POST, or by GET.")


def _extensions(asked: GraphQLRequest | None, record: RequestRecord, outcome: Outcome | None = None) -> dict[str, Any]:
    """Tell the cost and the rollups to who asked for them, once they are known."""
    told: dict[str, Any] = {}
    if asked is not None and asked.extensions.tells_cost and record.cost:
        told |= cost_told(record.cost, record.allowance)
    if asked is not None and asked.extensions.tells_rollups and outcome is not None:
        told |= rollups_told(outcome.body.get("data"), outcome.used)
    return {"extensions": told} if told else {}


def _status(outcome: Outcome, media: str) -> int:
    """Well-formed requests get 200 as plain JSON; the GraphQL media type tells failures in the status."""
    if outcome.failure is not None and (media == GRAPHQL or isinstance(outcome.failure, _SERVICE_FAULTS)):
        return outcome.failure.status
    return 400 if outcome.refused and media == GRAPHQL else 200


def _refused(error: GatewayError, media: str, extensions: dict[str, Any], record: RequestRecord) -> Response:
    shown = JSON if isinstance(error, NotAcceptable) else media
    headers = error_headers(error) | (dict(error.headers) if isinstance(error, RequestRefused) else {})
    body = _traceable(error_body(error) | extensions, record)
    return Response(write_json(body), error.status, _headers(shown) | headers)


def _traceable(body: dict[str, Any], record: RequestRecord) -> dict[str, Any]:
    """Tell the request's id with each error whose reason is in the log only."""
    for error in body.get("errors", ()):
        if error["extensions"]["code"] == Internal.code:
            error["extensions"]["requestId"] = record.request_id
    return body


def _headers(media: str) -> dict[str, str]:
    return {"Content-Type": f"{media}; charset=utf-8", "Vary": "Accept"}
