"""Driver errors to the gateway's own: only here is it known what they mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from app.errors import GatewayError, Internal, InvalidInput, LimitExceeded, QueryTimeout, Unavailable

log = structlog.get_logger(__name__)

_BAD_VALUE = 2
_SNAPSHOT_GONE = {239, 246}
# Codes of a node that is stepping down, shutting down, starting up or has no primary (MongoDB's error_codes.yml).
UNAVAILABLE = {6, 7, 89, 91, 133, 189, 9001, 10058, 10107, 11600, 11602, 13435, 13436, *_SNAPSHOT_GONE}
_TIMED_OUT = {50, 24, 262}
UNKNOWN_TIME_ZONE = 40485
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18
_UNREACHABLE = "The database cannot be reached just now; try again in a few seconds."
_TOO_LARGE = {10334, 17280, 17419, 17420, 146, 292}
_REFUSED_COMMAND = re.compile(r"not authorized on (\S+) to execute command \{ (\w+)")


class NotPermitted(Internal):
    """MongoDB's user lacks a right; `refused` says which command on which database, for the operator."""

    def __init__(self, refused: str) -> None:
        super().__init__()
        self.refused = refused


class SnapshotGone(Unavailable):
    """MongoDB no longer knows the data as of the moment that was asked for."""


class NoSuchIndex(Internal):
    """A collection does not have the index that it was to be read by."""


class NotAdmitted(Unavailable):
    """MongoDB does not take the user or password of its address."""


@contextmanager
def translated_failures() -> Iterator[None]:
    """Raise an error of our own in place of the driver's, which is logged.

    QueryTimeout, Unavailable, LimitExceeded or Internal, NotAdmitted and NotPermitted among them; InvalidInput for a
    time zone.
    """
    try:
        yield
    except (ExecutionTimeout, WTimeoutError) as error:
        raise _timeout() from error
    except NetworkTimeout as error:
        log.warning("mongodb_silent", reason=type(error).__name__)
        raise unavailable() from error
    except (AutoReconnect, ConnectionFailure) as error:
        log.warning("mongodb_unreachable", reason=type(error).__name__)
        raise unavailable() from error
    except OperationFailure as error:
        if error.code == _BAD_VALUE and "hint" in str(error):
            log.warning("mongodb_lacks_index")
            raise NoSuchIndex from error
        raise _refused(error) from error
    except PyMongoError as error:
        log.exception("mongodb_failed")
        raise Internal from error


def _refused(error: OperationFailure) -> GatewayError:
    """Tell what MongoDB's code means."""
    if error.code in _TIMED_OUT:
        return _timeout()
    if error.code == UNKNOWN_TIME_ZONE:
        return InvalidInput("timezone: the database does not know this time zone.", argument="timezone")
    if error.code in {_UNAUTHORIZED, _AUTHENTICATION_FAILED}:
        return _not_let_in(error)
    if error.code in UNAVAILABLE:
        log.warning("mongodb_unavailable", code=error.code)
        return SnapshotGone(_UNREACHABLE) if error.code in _SNAPSHOT_GONE else unavailable()
    if error.code in _TOO_LARGE:
        return LimitExceeded("The question needs more memory than one query may take; narrow the window or the filter.")
    log.error("mongodb_refused", code=error.code, exc_info=error)
    return Internal()


def _not_let_in(error: OperationFailure) -> GatewayError:
    """Tell which right is missing, or that none is given: for the operator, so nothing of it is in the message."""
    if error.code == _AUTHENTICATION_FAILED:
        log.error("mongodb_not_admitted")
        return NotAdmitted(_UNREACHABLE)
    found = _REFUSED_COMMAND.search(str(error))
    refused = f"{found[2]} on {found[1]}" if found else "do this"
    log.error("mongodb_not_permitted", refused=refused)
    return NotPermitted(refused)


def _timeout() -> QueryTimeout:
    return QueryTimeout("The query took longer than its time budget; narrow the window or the filter.")


def unavailable() -> Unavailable:
    """The error of a database that does not answer."""
    return Unavailable(_UNREACHABLE)
