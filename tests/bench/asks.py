"""One question in the form of each target, and how its answer is read for the comparison."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from tests.bench.peers.questions import Document

Answer = list[list[Any]]  # rows of values: what all targets must give alike


@dataclass(frozen=True)
class Post:
    """A GraphQL request; `read` takes the answer's data."""

    query: str
    read: Callable[[Any], Answer]
    variables: Mapping[str, Any] = field(default_factory=dict)

    def written(self, key: str, client: int = 0) -> bytes:
        """Write the request with its head; clients of different numbers ask in different words."""
        query = f"{self.query} # {client}" if client else self.query
        body = orjson.dumps({"query": query, "variables": self.variables})
        head = f"POST /graphql HTTP/1.1\r\n{_headers(key)}Content-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def answer(self, body: bytes) -> Answer:
        """Read the rows of an answer's body."""
        return self.read(orjson.loads(body)["data"])


@dataclass(frozen=True)
class Get:
    """A request of REST; `read` takes the answer."""

    path: str
    read: Callable[[Any], Answer]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def written(self, key: str, client: int = 0) -> bytes:
        """Write the request with its head; clients of different numbers ask in different words."""
        query = f"?{urlencode(self.parameters)}{'&' * client}" if self.parameters or client else ""
        return f"GET {self.path}{query} HTTP/1.1\r\n{_headers(key)}\r\n".encode()

    def answer(self, body: bytes) -> Answer:
        """Read the rows of an answer's body."""
        return self.read(orjson.loads(body))


@dataclass(frozen=True)
class Command:
    """A command to MongoDB; `read` takes its documents."""

    document: Document
    read: Callable[[list[Document]], Answer]


Ask = Post | Get | Command


def _headers(key: str) -> str:
    return f"Host: 127.0.0.1\r\nX-API-Key: {key}\r\nAccept: application/json\r\n"


def values(rows: list[Document]) -> Answer:
    """Take the values of records; every target gives them in the same order."""
    return [list(row.values()) for row in rows]
