"""What every command needs: settings, a MongoDB, a loop, and errors as exit statuses."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Never, TypeVar

import typer
from pydantic import ValidationError

from app.errors import GatewayError, Unavailable
from app.query.dataset import Dataset
from app.server.logs import configure_logs
from app.settings import Settings
from app.store.client import BadAddress
from app.store.embedded import embedded_mongod, embedded_trouble
from app.store.failures import NotAdmitted, NotPermitted
from app.store.indexes import IndexReport, Upkeep
from app.store.store import Store

REFUSED, WRONG_USE, OUT_OF_REACH = 1, 2, 3

T = TypeVar("T")


def say(text: str) -> None:
    """Tell the person at the terminal; results go to standard output, this goes to standard error."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str, status: int) -> Never:
    """Say what is wrong, and leave with an exit status."""
    say(f"gateway: {text}")
    raise typer.Exit(status)


def read_settings() -> Settings:
    """Read the settings, and log as they say; a wrong one ends the command with status 2 and names it."""
    try:
        settings = Settings()
    except ValidationError as error:
        problems = (f"GATEWAY_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        fail("; ".join(problems), WRONG_USE)
    configure_logs(settings.log_level)
    return settings


@contextmanager
def mongodb_address(settings: Settings) -> Iterator[str]:
    """Give the address of the user's MongoDB, or of the embedded one, which this command then shares.

    Raises Unavailable where the embedded one is not to be had.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
    else:
        with embedded_mongod(settings) as uri:
            yield uri


def why_unavailable(settings: Settings, error: Unavailable) -> str:
    """Say for an operator why the database is out of reach, as far as that is known here."""
    if isinstance(error, NotAdmitted):
        return "MongoDB refuses the user or the password of GATEWAY_MONGODB_URI."
    trouble = None if settings.mongodb_uri else embedded_trouble(settings)
    return trouble or error.message


@contextmanager
def mongodb(settings: Settings) -> Iterator[str]:
    """Give the address of the MongoDB to use; what fails inside ends the command, with its reason and status."""
    try:
        with mongodb_address(settings) as uri:
            yield uri
    except Unavailable as error:
        fail(why_unavailable(settings, error), OUT_OF_REACH)
    except NotPermitted as error:
        fail(
            f"MongoDB does not permit its user to {error.refused}; grant it the roles readWrite and dbAdmin on "
            f"{settings.database}, or use another user in GATEWAY_MONGODB_URI",
            OUT_OF_REACH,
        )
    except BadAddress as error:
        fail(str(error), WRONG_USE)
    except GatewayError as error:
        fail(f"{error.message} ({error.__cause__})" if error.__cause__ else error.message, REFUSED)


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store, do the work, close it. A database out of reach ends the command with status 3."""
    settings = read_settings()

    async def run(uri: str) -> T:
        async with Store(settings, uri, patient=True) as store:
            return await work(store)

    with mongodb(settings) as uri:
        return asyncio.run(run(uri))
    raise AssertionError("not reached: a failure has left above")


async def make_indexes(store: Store, settings: Settings, datasets: Iterable[Dataset]) -> list[IndexReport]:
    """Make what indexes of the datasets and of rollups are missing, where the settings let us; say which could not be.

    A retention that exists is left as it is: the server's settings decide about it, not those of this command.
    Leaves with status 1 where a unique index is not there: without it, a repeated record would be stored twice.
    """
    upkeep = Upkeep.MAKE if settings.manage_indexes else Upkeep.LOOK
    reports = await store.ensure_indexes(datasets, upkeep)
    for report in reports:
        if not report.is_there:
            say(f"gateway: index {report.collection}.{report.name} {report.state}: {report.detail}")
    lacking = [f"{report.collection}.{report.name}" for report in reports if report.unique and not report.is_there]
    if lacking:
        fail(f"nothing was written, as records would not stay unique without {', '.join(lacking)}", REFUSED)
    return reports
