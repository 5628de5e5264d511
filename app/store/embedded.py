"""The embedded mongod, as a gateway process uses it.

    gateway ──shared── users.lock ──alone, in the end── keeper ──parent── mongod
    gateway ──shared──┘                                   └──alone── keeper.lock ──┘

Every gateway process shares `users.lock` while it needs the database. One keeper per data directory, apart from them
all, runs mongod and waits for that lock alone: it gets it when the last of them is gone, however it went, as the kernel
drops a lock with its process. No process id read from a file decides anything.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread

from app.errors import Unavailable
from app.settings import Settings
from app.store.data_directory import DataDirectory
from app.store.launcher import PATIENCE_SECONDS, Launcher, uri_of
from app.store.locks import is_held, is_last, locked
from app.store.mongod import STOP_SECONDS, remedy_in

WATCH_SECONDS = 0.5
WATCH_SECONDS_AFTER_FAILURE = 30.0
LEAVE_POLL_SECONDS = 0.02
LEAVE_GRACE_SECONDS = 1.0
TROUBLE_SECONDS = 120.0

logger = logging.getLogger("gateway.store")


@contextmanager
def embedded_mongod(settings: Settings) -> Iterator[str]:
    """Give the URI of a MongoDB that takes writes: one mongod for all processes on `settings.data_dir`.

    It is a replica set of one member. While inside, a mongod that ends, with or without its keeper, is started again at
    the same URI. The last process to leave waits for the clean stop. Raises Unavailable, with a message for the
    operator, where there can be no such MongoDB.
    """
    directory = DataDirectory(settings.data_dir.expanduser().absolute())
    launcher = Launcher(settings, directory)
    with ExitStack() as stack:
        with _explained(directory):
            directory.create()
            stack.enter_context(_in_use(directory))
            port = launcher.ensure()
        stack.enter_context(_watched(launcher, port))
        yield uri_of(port)


def embedded_trouble(settings: Settings) -> str | None:
    """Say for an operator why the embedded mongod has ended lately, with the remedy; None where nothing is known."""
    directory = DataDirectory(settings.data_dir.expanduser().absolute())
    recent = time.time() - TROUBLE_SECONDS
    for log in (directory.mongod_log, directory.mongod_log.with_name(directory.mongod_log.name + ".1")):
        with suppress(OSError):
            if log.stat().st_mtime > recent and (remedy := remedy_in(log.read_text("utf-8", "replace"))):
                return f"The embedded mongod cannot go on. {remedy} Its data are in {directory.root}."
    return None


@contextmanager
def _explained(directory: DataDirectory) -> Iterator[None]:
    """Turn what the system refuses into a message for the operator."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(
            f"The embedded mongod is not to be had: {error}. Another process on this data directory starts or stops "
            f"for very long; see the logs in {directory.root}, and try again."
        ) from error
    except OSError as error:
        raise Unavailable(
            f"The data directory {directory.root} cannot be used ({error.strerror}). Make it writable, "
            "or set GATEWAY_DATA_DIR to a directory that is, or GATEWAY_MONGODB_URI to a MongoDB that runs."
        ) from error


@contextmanager
def _in_use(directory: DataDirectory) -> Iterator[None]:
    """Keep the keeper from stopping; the last one to leave waits, within a bound, until it has stopped.

    (A container, for one, ends with its first process: it should not take mongod down in the middle of its stop.)
    """
    last = False
    try:
        # A keeper that is just stopping has this lock for as long as that takes.
        with locked(directory.users_lock, shared=True, patience=PATIENCE_SECONDS) as users:
            try:
                yield
            finally:
                last = is_last(users)
    finally:
        if last:
            _await_stop(directory)


def _await_stop(directory: DataDirectory) -> None:
    left = time.monotonic()
    # The directory may be gone by now, and that is no matter for one who leaves.
    with suppress(OSError):
        while is_held(directory.keeper_lock) and time.monotonic() < left + STOP_SECONDS:
            if time.monotonic() > left + LEAVE_GRACE_SECONDS and not is_held(directory.users_lock):
                # The keeper is not stopping: someone else came in.
                return
            time.sleep(LEAVE_POLL_SECONDS)


@contextmanager
def _watched(launcher: Launcher, port: int) -> Iterator[None]:
    """See to it that there is a keeper for as long as this lasts."""
    leaving = Event()
    watcher = Thread(target=_watch, args=(launcher, port, leaving), name="embedded-mongod", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        leaving.set()
        watcher.join(LEAVE_GRACE_SECONDS)


def _watch(launcher: Launcher, port: int, leaving: Event) -> None:
    pause = WATCH_SECONDS
    while not leaving.wait(pause):
        try:
            if is_held(launcher.directory.keeper_lock):
                continue
            found = launcher.ensure()
        except (Unavailable, OSError) as error:
            pause = min(pause * 2, WATCH_SECONDS_AFTER_FAILURE)
            if not leaving.is_set():
                logger.error("the embedded mongod is gone; next try in %g s: %s", pause, error)  # noqa: TRY400
            continue
        pause = WATCH_SECONDS
        if found == port:
            logger.warning("the embedded mongod was gone and is back on port %d", port)
        else:
            logger.error("the embedded mongod moved from port %d to %d: start this process again", port, found)
