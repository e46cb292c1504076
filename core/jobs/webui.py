"""The start of an Open WebUI, step by step: what its workflow does, without the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from core.domain.job import JobState, Progress, Reason
from core.errors import AppError
from core.jobs.outcomes import JobLog, reason_of, reopen_run, settle
from core.jobs.steps import StepReport, StepStop, WorkerStops, in_thread
from core.ports import Clock, Store
from core.settings import Settings

STEPS = 4
_KEY_PREFIX = "webui:"
_Step = Callable[[str, Callable[[Progress], None], Callable[[], bool]], bool]


class WebUiVerbs(Protocol):
    """The worker's part of the service. Each may be called again and goes on from what is there."""

    def create(self, webui_id: str, report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> bool: ...
    def wait(self, webui_id: str, report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> bool: ...
    def connect(self, webui_id: str, report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> bool: ...
    def prove(self, webui_id: str, report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> bool: ...


class WebUiWork:
    """Runs the blocking steps in threads. A person's cancel stops the container, a worker's stop leaves it to be found
    again. The job's server key names the Open WebUI."""

    def __init__(
        self,
        store: Store,
        verbs: WebUiVerbs,
        is_cancelled: Callable[[str], bool],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._steps: tuple[_Step, ...] = (verbs.create, verbs.wait, verbs.connect, verbs.prove)
        self._is_cancelled = is_cancelled
        self._clock = clock
        self._log = JobLog(settings, clock)

    def begin(self, job_id: str) -> int:
        """Marks the job as begun; how many steps there are."""
        job = self._store.jobs.get(job_id)
        reopen_run(self._store, job, self._clock.now())
        self._log.say(job_id, "start of Open WebUI begins or goes on", {"webui": job.server_key})
        return STEPS

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One step; why it could not be done, or None."""
        return await in_thread(lambda stop: self._do(job_id, step, stop), lambda: self._is_cancelled(job_id))

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes the outcome."""
        settle(self._store, job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)

    def _do(self, job_id: str, step: int, stop: StepStop) -> Reason | None:
        webui_id = self._store.jobs.get(job_id).server_key.removeprefix(_KEY_PREFIX)
        try:
            self._steps[step](webui_id, StepReport(self._store, self._log, job_id), stop)
        except WorkerStops:
            return None  # nobody reads it: the step is done again by the next worker
        except AppError as error:
            return reason_of(error)
        return None
