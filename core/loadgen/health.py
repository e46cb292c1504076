"""Whether the measuring side kept up: CPU time and the machine's load."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_IDLE_COLUMNS = (3, 4)
_USER_TO_STEAL = slice(0, 8)


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    times = os.times()
    return times.user + times.system


def raise_file_limit() -> None:
    """Every stream is an open file: take as many as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class HostCpu:
    """The share of all CPUs that was busy since this object was made (Linux; elsewhere not known)."""

    def __init__(self) -> None:
        self._before = _read()

    def busy_share(self) -> float | None:
        """0..1, or None where it cannot be known."""
        before, now = self._before, _read()
        if before is None or now is None or now[1] <= before[1]:
            return None
        return 1.0 - (now[0] - before[0]) / (now[1] - before[1])


def _read() -> tuple[int, int] | None:
    """Idle and total ticks of /proc/stat's first line (proc(5)); I/O wait counts as idle."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    ticks = [int(number) for number in line.split()[1:]][_USER_TO_STEAL]
    return sum(ticks[column] for column in _IDLE_COLUMNS), sum(ticks)
