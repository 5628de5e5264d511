"""Several server processes that share one address, and one set of metrics."""

import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def run_workers(config: uvicorn.Config, listening: socket.socket) -> None:
    """Serve in `config.workers` processes until stopped; a worker that dies is replaced."""
    with TemporaryDirectory(prefix="gateway-metrics-") as directory:
        os.environ[_DIRECTORY] = directory
        _Workers(config, [listening]).run()


def shared_metrics_directory() -> Path:
    """Tell a worker process where it shares its metrics with the others."""
    return Path(os.environ[_DIRECTORY])


class _Workers(Multiprocess):
    """Forgets what gauges of workers said that are gone; what they counted stays in the sums.

    Once they are told to stop, nobody is taken in who would not be served.
    """

    def terminate_all(self) -> None:
        """Close the listening socket, which this process shares with them, and tell them."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        alive = {str(process.pid) for process in self.processes}
        files = Path(os.environ[_DIRECTORY]).glob("gauge_live*.db")
        for gone in {file.stem.rpartition("_")[2] for file in files} - alive:
            mark_process_dead(int(gone))  # type: ignore[no-untyped-call]
