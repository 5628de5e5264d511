"""The keeper: the one process that owns the mongod of a data directory, apart from every gateway process.

Started by `app.store.embedded` as `python -m app.store.keeper DATA_DIR MONGOD CACHE_MB`. It leaves the process that
started it, starts mongod, prints one line of JSON (`{"port": …}` or `{"error": …}`), and stays until no process shares
`users.lock` any more, or SIGTERM comes; then it stops mongod and ends. A mongod that dies is started again on its port.
"""

import json
import logging
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from app.errors import Unavailable
from app.store.data_directory import DataDirectory
from app.store.locks import locked
from app.store.supervisor import Supervisor

LOCK_SECONDS = 5.0
OPEN_FILES = 64_000

logger = logging.getLogger("gateway.keeper")


def main() -> int:
    """Be the keeper of the data directory named by the arguments. Exit status: 0 done, 1 failed, as reported."""
    if os.fork() > 0:
        # Its starter waits for this process, and so never has a zombie or a child to look after.
        os._exit(0)
    directory, program, cache_mb = DataDirectory(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(message)s")
    _allow_open_files()
    try:
        # Those who ask whether it is held hold it for a moment, so taking it may need a second try.
        with locked(directory.keeper_lock, patience=LOCK_SECONDS) as lock:
            Supervisor(directory, program, cache_mb=cache_mb, lock=lock).run(lambda port: _report(port=port))
    except TimeoutError:
        # Another keeper was quicker; the starter will find it.
        logger.info("another keeper is there")
    except Unavailable as error:
        return _fail(error.message)
    except OSError as error:
        return _fail(f"{directory.root} cannot be used ({error.strerror}).")
    return 0


def _fail(why: str) -> int:
    logger.error("%s", why)
    _report(error=why)
    return 1


def _report(**word: object) -> None:
    """Tell the starter, which may be gone by now, and leave it: what is printed from now on goes to the log."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(word).encode() + b"\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _allow_open_files() -> None:
    """Raise this process's bound on open files, which mongod inherits and each connection counts against."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    bound = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    # Some systems bound it otherwise; mongod's log warns where that is low.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (bound, hard))


if __name__ == "__main__":
    sys.exit(main())
