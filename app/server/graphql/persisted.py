"""Documents that clients name by their SHA-256: Apollo's automatic persisted queries, version 1."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.errors import GatewayError
from app.query.limits import PERSISTED_QUERIES, PERSISTED_QUERY_BYTES
from app.server.graphql.request import GraphQLRequest


class PersistedQueryNotFound(GatewayError):
    """The hash is not known here (any more): the client sends the document once, with its hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 200  # as Apollo Server answers: Apollo's client for iOS reads no answer of another status
    title = "Persisted query not found"

    def __init__(self) -> None:
        """Apollo's clients and urql know the error by just this message."""
        super().__init__("PersistedQueryNotFound")


@dataclass(slots=True)
class _Share:
    """The documents of one organization, by their hash; the one used last stands last."""

    documents: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    size: int = 0


class PersistedQueries:
    """The documents that this process keeps, bounded by their number and their bytes (in UTF-8).

    Each organization has its own. Where a bound is passed, the organization that takes the most of it loses the
    document that it used longest ago. So one that takes no more than an equal part (the bound, divided by the number
    of organizations) loses nothing to others, whatever they send.
    """

    def __init__(self, most: int = PERSISTED_QUERIES.value, most_bytes: int = PERSISTED_QUERY_BYTES.value) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._shares: dict[str, _Share] = {}
        self.entries = 0
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def complete(self, organization: str, request: GraphQLRequest) -> GraphQLRequest:
        """Put the document into a request that names only its hash. Raises PersistedQueryNotFound."""
        known = request.extensions.document_hash
        if request.query or known is None:
            return request
        share = self._shares.get(organization)
        document = share.documents.get(known) if share else None
        if share is None or document is None:
            self.misses += 1
            raise PersistedQueryNotFound
        self.hits += 1
        share.documents.move_to_end(known)
        return replace(request, query=document.decode())

    def keep(self, organization: str, request: GraphQLRequest) -> None:
        """Keep the document of a request that names its hash, which was checked when the request was read."""
        known = request.extensions.document_hash
        if known is None:
            return
        share = self._shares.setdefault(organization, _Share())
        if known not in share.documents:
            document = request.query.encode()
            share.documents[known] = document
            share.size += len(document)
            self.entries += 1
            self.bytes += len(document)
        share.documents.move_to_end(known)
        while self.entries > self._most:
            self._drop_from_most(lambda one: len(one.documents))
        while self.bytes > self._most_bytes:
            self._drop_from_most(lambda one: one.size)

    def _drop_from_most(self, part: Callable[[_Share], int]) -> None:
        organization, share = max(self._shares.items(), key=lambda one: part(one[1]))
        _, document = share.documents.popitem(last=False)
        share.size -= len(document)
        self.entries -= 1
        self.bytes -= len(document)
        if not share.documents:
            del self._shares[organization]
