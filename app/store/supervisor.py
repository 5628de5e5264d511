"""The supervisor of a mongod: starts it, keeps it running on one port, stops it when nobody uses it."""

import logging
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from pymongo.errors import PyMongoError

from app.errors import Unavailable
from app.store import mongod, replica_set
from app.store.data_directory import DataDirectory, State, rotate
from app.store.locks import wait_alone

START_SECONDS = 120.0
START_POLL_SECONDS = 0.02
RESTARTS = 5
RESTARTS_WITHIN_SECONDS = 60.0
PORT_ATTEMPTS = 5
LOG_CHECK_SECONDS = 5.0
LOG_BYTES = 16 * 1024 * 1024

logger = logging.getLogger("gateway.keeper")


class Event(Enum):
    """What a keeper waits for."""

    USERS_GONE = auto()
    TERMINATED = auto()
    MONGOD_ENDED = auto()


class Stop(Exception):
    """The keeper's work is over."""


class MongodEnded(Exception):
    """The mongod ended unasked; `status` as subprocess gives it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Supervisor:
    """One mongod and its replica set, from start to stop.

    `lock` is the descriptor of the keeper's lock, which mongod inherits. For the main thread of a process of its own.
    """

    def __init__(self, directory: DataDirectory, program: Path, *, cache_mb: int, lock: int) -> None:
        self._directory = directory
        self._program = program
        self._cache_mb = cache_mb
        self._lock = lock
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts: deque[float] = deque()
        kept = directory.state()
        self._port = kept.port if kept else mongod.free_port()

    def run(self, ready: Callable[[int], None]) -> None:
        """Serve until no user is left or SIGTERM comes; call `ready` with the port when there is a first primary.

        Returns with mongod stopped. Raises Unavailable, with the reason, where mongod does not start or stay.
        """
        signal.signal(signal.SIGTERM, lambda *_: self._events.put(Event.TERMINATED))
        Thread(target=self._await_users_gone, daemon=True).start()
        try:
            self._start()
            ready(self._port)
            while True:
                self._serve()
                self._restart()
        except Stop:
            logger.info("stopping")
        except MongodEnded as ended:
            raise Unavailable(mongod.describe_exit(ended.status, self._directory)) from ended
        finally:
            # A full disk must not keep mongod from its clean stop.
            with suppress(OSError):
                self._write_state(is_ready=False)
            if self._process is not None:
                mongod.stop(self._process)

    def _start(self) -> None:
        """Start mongod, on the kept port where that is free, and wait for the primary."""
        for _ in range(PORT_ATTEMPTS):
            if not mongod.is_port_free(self._port):
                logger.warning("port %d is taken, moving to another", self._port)
                self._port = mongod.free_port()
            self._write_state(is_ready=False)
            self._process = mongod.start(
                self._program, self._directory, port=self._port, cache_mb=self._cache_mb, lock=self._lock
            )
            Thread(target=self._await_end, args=(self._process,), daemon=True).start()
            try:
                self._await_primary()
            except MongodEnded as ended:
                if ended.status != mongod.PORT_TAKEN_STATUS:
                    raise
                self._port = mongod.free_port()
            else:
                self._write_state(is_ready=True)
                logger.info("mongod %d serves on port %d", self._process.pid, self._port)
                return
        raise Unavailable(f"Each of {PORT_ATTEMPTS} ports was taken before mongod had it. Try again.")

    def _restart(self) -> None:
        """Start mongod again; raises MongodEnded where it ended too often."""
        while True:
            self._restarts.append(time.monotonic())
            try:
                self._start()
            except MongodEnded as ended:
                self._note_end(ended.status)
            else:
                return

    def _serve(self) -> None:
        """Return when mongod has ended; raises MongodEnded where it did so too often."""
        while True:
            try:
                self._raise_next(LOG_CHECK_SECONDS)
            except MongodEnded as ended:
                self._note_end(ended.status)
                return
            if self._process is not None and rotate(self._directory.mongod_log, above=LOG_BYTES):
                mongod.reopen_log(self._process)

    def _note_end(self, status: int) -> None:
        logger.warning("%s", mongod.describe_exit(status, self._directory))
        while self._restarts and self._restarts[0] < time.monotonic() - RESTARTS_WITHIN_SECONDS:
            self._restarts.popleft()
        if len(self._restarts) >= RESTARTS:
            logger.error("mongod ended after each of %d restarts within %g s", RESTARTS, RESTARTS_WITHIN_SECONDS)
            raise MongodEnded(status)

    def _await_primary(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        why = ""
        while not mongod.is_listening(self._port):
            self._pause(deadline, why)
        with replica_set.connect(self._port) as client:
            while True:
                try:
                    if replica_set.advance(client, self._directory, port=self._port):
                        return
                except PyMongoError as error:
                    why = str(error)
                self._pause(deadline, why)

    def _pause(self, deadline: float, why: str) -> None:
        self._raise_next(START_POLL_SECONDS)
        if time.monotonic() > deadline:
            log = self._directory.mongod_log
            raise Unavailable(f"mongod was not ready within {START_SECONDS:g} s. See {log}. {why}".rstrip())

    def _raise_next(self, seconds: float) -> None:
        """Wait up to `seconds` for an event, and raise what it means: Stop or MongodEnded."""
        try:
            event = self._events.get(timeout=seconds)
        except Empty:
            return
        if event is Event.MONGOD_ENDED and self._process is not None:
            raise MongodEnded(self._process.wait())
        raise Stop

    def _await_users_gone(self) -> None:
        wait_alone(self._directory.users_lock)
        self._events.put(Event.USERS_GONE)

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._events.put(Event.MONGOD_ENDED)

    def _write_state(self, *, is_ready: bool) -> None:
        process_id = self._process.pid if self._process and is_ready else None
        self._directory.write_state(State(port=self._port, ready=is_ready, keeper=os.getpid(), mongod=process_id))
