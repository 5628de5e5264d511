"""Advisory locks on files (flock): the kernel drops them with the process that holds them, however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# flock has no timeout, so a bounded wait is a poll.
POLL_SECONDS = 0.02


@contextmanager
def locked(path: Path, *, shared: bool = False, patience: float) -> Iterator[int]:
    """Hold the lock of `path`, and give its file descriptor, which programs started meanwhile do not inherit.

    Waits up to `patience` seconds, then raises TimeoutError. Two holders in one process exclude each other too.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _taken(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path} is still locked after {patience:g} seconds")
            time.sleep(POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock of `path` for itself alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return not _taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def is_last(descriptor: int) -> bool:
    """Whether a shared lock has no other holder. It may be lost by the question: for one who is about to leave."""
    return _taken(descriptor, fcntl.LOCK_EX)


def wait_alone(path: Path) -> None:
    """Wait without bound until no process holds the lock of `path`; keep it for the rest of this process's life."""
    fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)


def _taken(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
