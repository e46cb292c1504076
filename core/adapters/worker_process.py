"""The worker as a process: whether there is one, and how to start one that outlives whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from core.adapters.locks import WORKER_LOCK, FileLock, is_locked, read_record
from core.errors import RefusedError
from core.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_MODULE = "core.worker"
_TAKE_LIMIT_S = 1.0
_started: list[subprocess.Popen[bytes]] = []


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
    ``logs/worker.log``: neither a closed terminal nor the end of this process reaches it."""
    if is_locked(settings.locks / WORKER_LOCK) or any(child.poll() is None for child in _started):
        return False
    settings.logs.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "SEATRIAL_HOME": str(settings.home)}
    with (settings.logs / "worker.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            cwd=_ROOT,
            env={**env, "SEATRIAL_DATABASE_URL": settings.database_url, "SEATRIAL_JOBS_URL": settings.jobs_url},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _started[:] = [child]  # polled at the next call, so that no zombie is left
    return True
