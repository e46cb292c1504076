"""A deployment's start, step by step: what the deployment workflow does, without the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from core.domain.job import JobState, Progress, Reason
from core.errors import AppError
from core.jobs.outcomes import JobLog, reason_of, reopen_run, settle
from core.jobs.steps import StepReport, StepStop, WorkerStops, in_thread
from core.ports import Clock, Store
from core.settings import Settings

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
    def step_register_endpoint(
        self, deployment_id: str, progress: Callable[[Progress], None], is_cancelled: Callable[[], bool]
    ) -> bool: ...


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
        return await in_thread(lambda stop: self._do(job_id, step, stop), lambda: self._is_cancelled(job_id))

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
                self._steps.step_register_endpoint(deployment_id, report, stop)
        except WorkerStops:
            return None  # nobody reads it: the step is done again by the next worker
        except AppError as error:
            return reason_of(error)
        return None
