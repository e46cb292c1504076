"""The worker as a process: whether there is one, and how to start one that outlives whoever starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.adapters.locks import WORKER_LOCK, FileLock, is_locked, read_record
from core.errors import RefusedError, ToolFailed
from core.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_MODULE = "core.worker"
_TAKE_LIMIT_S = 1.0
_SHORT_LIFE_S = 10.0
_SHORT_LIVES = 3


@dataclass
class _Started:
    """The worker that this process has started last, and how many in a row ended as soon as they had begun."""

    child: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    short_lives: int = 0


_last = _Started()


def take_worker_lock(settings: Settings) -> FileLock:
    """The right to be this data directory's worker, for as long as the lock is kept. Raises RefusedError
    (worker_running: pid). Tries for a second: somebody may be looking at the lock this instant."""
    path = settings.locks / WORKER_LOCK
    lock = FileLock(path)
    deadline = time.monotonic() + _TAKE_LIMIT_S
    while not lock.take():
        if time.monotonic() > deadline:
            raise RefusedError("worker_running", pid=read_record(path).get("pid"))
        time.sleep(0.02)
    lock.write({"pid": os.getpid()})
    return lock


def ensure_worker(settings: Settings) -> bool:
    """Starts a worker where none holds the lock; whether it did. It has a session of its own and writes to
    ``logs/worker.log``: neither a closed terminal nor the end of this process reaches it. Cheap: may be asked again and
    again while a job is waited for. Raises ToolFailed (worker_gave_up: count, exit_code, log, detail) where three in a
    row have ended within seconds: the next one would, too."""
    if is_locked(settings.locks / WORKER_LOCK) or (_last.child is not None and _last.child.poll() is None):
        return False
    log = settings.logs / "worker.log"
    _judge(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "SEATRIAL_HOME": str(settings.home)}
    with log.open("ab") as output:
        _last.child = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            cwd=_ROOT,
            env={**env, "SEATRIAL_DATABASE_URL": settings.database_url, "SEATRIAL_JOBS_URL": settings.jobs_url},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _last.began = time.monotonic()
    return True


def _judge(log: Path) -> None:
    """Counts the one before, which has ended. One that somebody killed (kill -9) has not failed."""
    if _last.child is None:
        return
    code, _last.child = _last.child.poll(), None
    is_short = time.monotonic() - _last.began < _SHORT_LIFE_S
    _last.short_lives = count = _last.short_lives + (code != -signal.SIGKILL) if is_short else 0
    if count >= _SHORT_LIVES:
        _last.short_lives = 0
        raise ToolFailed("worker_gave_up", count=count, exit_code=code, log=str(log), detail=_last_line(log))


def _last_line(log: Path) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4_096))
        lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")
    return ""
