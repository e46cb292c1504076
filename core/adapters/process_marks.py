"""Finds and ends every process that bears a mark in its environment, whatever session or group it has moved to."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "SEATRIAL_TOOL"
_PROC = Path("/proc")
_DEAD = {"Z", "X"}


def marked(mark: str) -> tuple[int, ...]:
    """Living processes started with ``SEATRIAL_TOOL=mark``. Empty where there is no /proc."""
    wanted = f"{MARK}={mark}".encode()
    return tuple(pid for pid in _pids() if wanted in _environment(pid))


def kill_marked(mark: str) -> int:
    """SIGKILL to each; how many there were."""
    found = marked(mark)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def birth_mark(pid: int) -> str:
    """Names a process for good: its id, and when it was born, since ids are used again. The start time is empty where
    there is no such process; one that is dead and only waits for its parent to notice counts as none."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return f"{pid}:"
    return f"{pid}:" if fields[0] in _DEAD else f"{pid}:{fields[19]}"


def is_alive(birth: str) -> bool:
    """Whether the process named by ``birth_mark`` still runs."""
    pid = birth.partition(":")[0]
    if not pid.isdecimal():
        return False
    if not _PROC.is_dir():
        return _answers(int(pid))
    return birth_mark(int(pid)) == birth and not birth.endswith(":")


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pids() -> Iterator[int]:
    with suppress(OSError):
        for entry in os.scandir(_PROC):
            if entry.name.isdecimal():
                yield int(entry.name)


def _environment(pid: int) -> list[bytes]:
    """A zombie's is empty, another person's cannot be read."""
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
