"""Whether the measuring side kept up: CPU time and the machine's load."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
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
    """The share of all CPUs that was busy since this object was made (Linux; elsewhere not known). ``read`` gives the
    text of /proc/stat, of this machine or another; None where there is none."""

    def __init__(self, read: Callable[[], str | None] | None = None) -> None:
        self._read = read or _this_machines
        self._before = _ticks(self._read())

    def busy_share(self) -> float | None:
        """0..1, or None where it cannot be known."""
        between = self._between()
        return None if between is None else 1.0 - between[0] / between[1]

    def available_s(self) -> float | None:
        """CPU seconds that there were since, all CPUs together."""
        between = self._between()
        return None if between is None else between[1] / os.sysconf("SC_CLK_TCK")

    def _between(self) -> tuple[int, int] | None:
        before, now = self._before, _ticks(self._read())
        if before is None or now is None or now[1] <= before[1]:
            return None
        return now[0] - before[0], now[1] - before[1]


def _this_machines() -> str | None:
    try:
        return Path("/proc/stat").read_text(encoding="ascii")
    except OSError:
        return None


def _ticks(text: str | None) -> tuple[int, int] | None:
    """Idle and total ticks of /proc/stat's first line (proc(5)); I/O wait counts as idle."""
    words = text.split("\n", 1)[0].split() if text else []
    if words[:1] != ["cpu"] or not all(word.isdigit() for word in words[1:]):
        return None
    ticks = [int(number) for number in words[1:]][_USER_TO_STEAL]
    return sum(ticks[column] for column in _IDLE_COLUMNS), sum(ticks)
