"""A deployment's start, step by step: what the deployment workflow does, without the engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Protocol

from core.domain.job import JobState, Progress, Reason
from core.errors import AppError
from core.jobs.outcomes import JobLog, reason_of, reopen_run, settle
from core.ports import Clock, Store
from core.settings import Settings

_PROGRESS_GAP_S = 0.25
_STOP_WAIT_S = 1.0
STEPS = 3


class DeploymentSteps(Protocol):
    """The part of the deployment service that a worker calls. Each may be called again and goes on from what is
    there; where ``is_cancelled`` says so, a step undoes what it began and returns False."""

    def step_create(
        self, deployment_id: str, progress: Callable[[Progress], None], is_cancelled: Callable[[], bool]
    ) -> bool: ...
    def step_wait_ready(
        self, deployment_id: str, progress: Callable[[Progress], None], is_cancelled: Callable[[], bool]
    ) -> bool: ...
    def step_register_endpoint(self, deployment_id: str, progress: Callable[[Progress], None]) -> None: ...


class DeploymentWork:
    """Runs the blocking steps in threads. A person's cancel and a worker's stop are told apart: the first stops the
    container, the second leaves it to load and to be found again. ``is_cancelled`` asks the engine."""

    def __init__(
        self,
        store: Store,
        steps: DeploymentSteps,
        is_cancelled: Callable[[str], bool],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._steps = steps
        self._is_cancelled = is_cancelled
        self._clock = clock
        self._log = JobLog(settings, clock)

    def begin(self, job_id: str) -> int:
        """Marks the job as begun; how many steps there are."""
        job = self._store.jobs.get(job_id)
        reopen_run(self._store, job, self._clock.now())
        self._log.say(job_id, "deployment begins or goes on", {"deployment": job.deployment_id})
        return STEPS

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One step; why it could not be done, or None."""
        stop = StepStop(lambda: self._is_cancelled(job_id))
        thread = asyncio.ensure_future(asyncio.to_thread(self._do, job_id, step, stop))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            stop.ask()
            by_person = await asyncio.to_thread(self._is_cancelled, job_id)
            await asyncio.wait({thread}, timeout=None if by_person else _STOP_WAIT_S)
            raise

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes the outcome."""
        settle(self._store, job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)

    def _do(self, job_id: str, step: int, stop: StepStop) -> Reason | None:
        deployment_id = self._store.jobs.get(job_id).deployment_id or ""
        report = StepReport(self._store, self._log, job_id)
        try:
            if step == 0:
                self._steps.step_create(deployment_id, report, stop)
            elif step == 1:
                self._steps.step_wait_ready(deployment_id, report, stop)
            else:
                self._steps.step_register_endpoint(deployment_id, report)
        except WorkerStops:
            return None  # nobody reads it: the step is done again by the next worker
        except AppError as error:
            return reason_of(error)
        return None


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
        self._store.jobs.save_progress(self._job_id, progress)
        if new_stage:
            self._label = progress.label
            self._log.say(self._job_id, progress.label)
