"""A step that blocks: run in a thread, told when it is to stop, heard while it goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from core.domain.job import Progress, Reason
from core.jobs.outcomes import JobLog, tell
from core.ports import Store

_PROGRESS_GAP_S = 0.25
_STOP_WAIT_S = 1.0


async def in_thread(do: Callable[[StepStop], Reason | None], is_cancelled: Callable[[], bool]) -> Reason | None:
    """The step's own word. Cancelled: a person's cancel is waited for, until the step has undone what it began; a
    worker that ends waits a moment only. ``is_cancelled``: whether a person wants it."""
    stop = StepStop(is_cancelled)
    thread = asyncio.ensure_future(asyncio.to_thread(do, stop))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        stop.ask()
        by_person = await asyncio.to_thread(is_cancelled)
        await asyncio.wait({thread}, timeout=None if by_person else _STOP_WAIT_S)
        raise


class WorkerStops(Exception):
    """Unwinds a step whose worker ends, past every handler that would undo its work."""


class StepStop:
    """``is_cancelled`` for a step: False until somebody asks; then True for a person, WorkerStops for the worker."""

    def __init__(self, by_person: Callable[[], bool]) -> None:
        self._by_person = by_person
        self._asked = threading.Event()

    def ask(self) -> None:
        """From any thread."""
        self._asked.set()

    def __call__(self) -> bool:
        if not self._asked.is_set():
            return False
        if self._by_person():
            return True
        raise WorkerStops


class StepReport:
    """Writes the latest progress, a few times a second at most, and each new stage into the log."""

    def __init__(self, store: Store, log: JobLog, job_id: str) -> None:
        self._store = store
        self._log = log
        self._job_id = job_id
        self._label = ""
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        new_stage = progress.label != self._label
        if not new_stage and time.monotonic() - self._last < _PROGRESS_GAP_S:
            return
        self._last = time.monotonic()
        tell(self._store.jobs, self._job_id, progress)
        if new_stage:
            self._label = progress.label
            self._log.say(self._job_id, progress.label)
