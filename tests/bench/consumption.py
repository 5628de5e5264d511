"""What a process has used so far, as Linux tells it in /proc."""

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int) -> float:
    """Tell the processor time of a process and its threads, its own and the system's for it."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    # Fields 14 and 15 of proc(5), utime and stime; the split begins with field 3.
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def resident_mb(process: int) -> float:
    """Tell how much memory of a process is in use, in MiB; 0 where it has ended."""
    return _memory_mb(process, "VmRSS")


def most_resident_mb(process: int) -> float:
    """Tell the most memory that a process has had in use since its program began, in MiB; 0 where it has ended.

    (What wait4 tells may be that of the process that started it.)
    """
    return _memory_mb(process, "VmHWM")


def _memory_mb(process: int, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0) / 1024
