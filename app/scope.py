"""Whose data a call may touch."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a key may do. A key without the permission gets 403."""

    CONNECTIONS_READ = "connections:read"
    SUMMARY_READ = "summary:read"
    INGEST = "ingest"
    ADMIN = "admin"


READING = (Permission.CONNECTIONS_READ, Permission.SUMMARY_READ)  # what a key may do when nothing else is said


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, as an API key gives it. Only `app.access` makes one (a test holds this).

    `organization_id` owns connection events and connections, `org_name` owns summary events.
    """

    organization_id: str
    org_name: str
    key_id: str
    key_name: str
    permissions: frozenset[Permission]
