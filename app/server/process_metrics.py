"""What the process itself takes: memory, processor time, open files."""

from functools import partial

from prometheus_client import ProcessCollector

from app.server.metrics import Metrics

_GAUGES = {
    "process_resident_memory_bytes": "Memory in use.",
    "process_open_fds": "Files and sockets that are open.",
    "process_max_fds": "Files and sockets that may be open.",
}
_PROCESSOR_TIME = "process_cpu_seconds"


def watch_process(metrics: Metrics) -> None:
    """Add metrics by the names that Prometheus' clients use; they are 0 where the system does not show them."""
    collector = ProcessCollector(registry=None)
    for name, description in _GAUGES.items():
        metrics.watch(name, description, partial(_value, collector, name))
    metrics.watch_count(_PROCESSOR_TIME, "Processor time that was used.", partial(_value, collector, _PROCESSOR_TIME))


def _value(collector: ProcessCollector, name: str) -> float:
    return next((family.samples[0].value for family in collector.collect() if family.name == name), 0.0)
