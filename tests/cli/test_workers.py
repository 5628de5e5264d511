"""Several workers as one server: a scrape tells of all of them, and of none that is gone."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.processes import SECONDS, CommandLine, eventually, is_ready, processes_of

KEY = ("keys", "create", "--organization-id", "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "--org-name", "ibm")
STOP_SECONDS = 15
ASKED = 40


def scraped(url: str, key: str) -> Mapping[str, float]:
    """All samples, by name and labels as they are written; a new connection, so that any worker may answer."""
    answer = httpx2.get(f"{url}/metrics", headers={"X-API-Key": key}, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    samples: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in one.labels.items())
            samples[f"{one.name}{{{labels}}}" if labels else one.name] = one.value
    return samples


def workers_of(line: CommandLine) -> set[int]:
    """The processes that answer."""
    return {process for process, command in processes_of(line.folder).items() if "spawn_main" in command}


def counted(url: str, key: str) -> float:
    """How many requests went nowhere, by what one scrape says."""
    samples = scraped(url, key)
    wanted = {"face": "other", "operation": "unknown", "code": "NOT_FOUND"}
    return sum(
        value
        for name, value in samples.items()
        if name.startswith("gateway_requests_total")
        and all(f'{label}="{text}"' in name for label, text in wanted.items())
    )


def test_a_scrape_gives_the_sums_over_all_workers(embedded_line: CommandLine) -> None:
    """Whichever answers it. When a worker dies, what it counted stays, and its gauges go."""
    temporary = embedded_line.folder / "temporary"
    temporary.mkdir()
    with embedded_line.serving(GATEWAY_WORKERS="2", TMPDIR=str(temporary)) as (server, url):
        key = embedded_line.run_here(*KEY, "--scope", "admin").out.strip()
        before = workers_of(embedded_line)
        assert len(before) == 2
        for _ in range(ASKED):
            assert httpx2.get(f"{url}/nowhere", timeout=SECONDS).status_code == 404
        assert [counted(url, key) for _ in range(8)] == [ASKED] * 8
        assert eventually(lambda: scraped(url, key)["gateway_processes"] == 2)
        both = scraped(url, key)
        assert both["process_resident_memory_bytes"] > 2 * 30_000_000  # two interpreters with all of this in them
        assert "pid=" not in "".join(both)
        assert both["gateway_requests_in_flight"] == 1

        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: victim not in workers_of(embedded_line) and len(workers_of(embedded_line)) == 2)
        assert eventually(lambda: is_ready(url))
        assert eventually(lambda: not list(temporary.glob(f"*/gauge_live*_{victim}.db")))
        assert eventually(lambda: scraped(url, key)["gateway_processes"] == 2)
        assert counted(url, key) == ASKED
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
    assert list(temporary.glob("gateway-metrics-*")) == []


def test_the_metrics_of_others_are_left_alone(embedded_line: CommandLine, tmp_path: Path) -> None:
    """A PROMETHEUS_MULTIPROC_DIR of somebody else's is left alone."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with embedded_line.serving(GATEWAY_WORKERS="2", PROMETHEUS_MULTIPROC_DIR=str(theirs)) as (server, _url):
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
    assert list(theirs.iterdir()) == []
