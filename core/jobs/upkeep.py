"""What a worker does beside its jobs: heartbeat, jobs that a crash left between two states, sweep of what is old."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.job import Job, JobState, Reason
from core.errors import AppError
from core.jobs.database import QUEUE
from core.jobs.outcomes import settle
from core.ports import Clock, JobQueue, Store
from core.settings import Settings

if TYPE_CHECKING:
    from dbos import DBOSClient

LOG = logging.getLogger("seatrial.worker")
BEAT_S = 2.0
LOOK_S = 1.0
SWEEP_S = 3600.0
_ENGINE_KEEPS = timedelta(days=7)
_WORK_KEEPS = timedelta(days=7)
_SWEEP_BATCH = 500
_MAX_PICK_UPS = 3
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Reconciler:
    """Compares our word on every unfinished job with the engine's, and mends what a crash left between them.

    Whatever it sees must have looked the same one look earlier: a job that is being resumed or taken up right now
    looks wrong for an instant."""

    def __init__(
        self, store: Store, queue: JobQueue, clock: Clock, active: Callable[[], frozenset[str]], pick_up: PickUp
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._active = active
        self._pick_up = pick_up
        self._seen: dict[str, JobState | None] = {}

    def look(self) -> None:
        """Raises StoreError."""
        active = self._active()
        jobs = [job for job in self._store.jobs.unfinished() if job.id not in active]
        states = self._queue.states([job.id for job in jobs])
        before, self._seen = self._seen, {job.id: states.get(job.id) for job in jobs}
        for job in jobs:
            if job.id in before and before[job.id] is states.get(job.id):
                self._mend(job, states.get(job.id))

    def _mend(self, job: Job, engine: JobState | None) -> None:
        if engine is None:
            LOG.warning("job %s was not in the queue; it is now", job.id)
            self._queue.enqueue(job.id, job.kind, job.server_key, {})
        elif engine is JobState.RUNNING:
            if not self._pick_up(job.id):
                self._settle(job, JobState.FAILED)
        elif engine is not JobState.QUEUED:
            self._settle(job, engine)

    def _settle(self, job: Job, outcome: JobState) -> None:
        reason = Reason("job_gave_up") if outcome is JobState.FAILED else None
        settle(self._store, job.id, outcome, self._clock.now(), reason)


class PickUp:
    """Takes up a job that the engine calls running although nobody runs it."""

    def __init__(self, client: DBOSClient, executor_id: str, *, alone: bool) -> None:
        """``alone``: no other worker shares the engine's database, so nobody's job can be anybody else's."""
        self._client = client
        self._executor_id = executor_id
        self._alone = alone
        self._times: dict[str, int] = {}

    def __call__(self, job_id: str) -> bool:
        """Back into the server's queue. False where it is given up, after three times in one worker's life."""
        found = self._client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
        if not found or not (self._alone or found[0].executor_id == self._executor_id):
            return True
        count = self._times[job_id] = self._times.get(job_id, 0) + 1
        if count > _MAX_PICK_UPS:
            del self._times[job_id]
            self._client.cancel_workflow(job_id)
            return False
        LOG.warning("job %s was begun and is not running; it goes on", job_id)
        self._client.resume_workflow(job_id, queue_name=QUEUE)
        return True


class Sweeper:
    """Drops what is old: the engine's memory of ended jobs, raw artifacts beyond their retention, leftovers on disk."""

    def __init__(self, store: Store, client: DBOSClient, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._client = client
        self._settings = settings
        self._clock = clock

    def sweep(self) -> None:
        """Raises StoreError."""
        now = self._clock.now()
        self._forget_ended(now - _ENGINE_KEEPS)
        if self._settings.retention_days > 0:
            before = now - timedelta(days=self._settings.retention_days)
            LOG.info("artifacts swept: %d", self._store.artifacts.sweep(before))
            self._drop_files("logs", "*.log", before)
        self._drop_files("work", "*", now - _WORK_KEEPS)

    def _forget_ended(self, before: datetime) -> None:
        while True:
            old = self._client.list_workflows(
                status=_ENDED,
                completed_before=before.isoformat(),
                limit=_SWEEP_BATCH,
                load_input=False,
                load_output=False,
            )
            if not old:
                return
            self._client.delete_workflows([status.workflow_id for status in old])

    def _drop_files(self, folder: str, pattern: str, before: datetime) -> None:
        for path in (self._settings.home / folder).glob(pattern):
            if path.stat().st_mtime >= before.timestamp():
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class Upkeep:
    """One thread that does each duty again and again, every so many seconds. A long one gets a thread of its own: it
    must not hold up the heartbeat."""

    def __init__(self, duties: Sequence[tuple[Callable[[], None], float]]) -> None:
        self._duties = tuple(duties)
        self._due = [0.0] * len(self._duties)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """At once."""
        self._thread.start()

    def stop(self) -> None:
        """Waits for the duty at hand."""
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            for index, (duty, every_s) in enumerate(self._duties):
                if time.monotonic() >= self._due[index]:
                    self._due[index] = time.monotonic() + every_s
                    self._do(duty)
            self._stop.wait(max(0.05, min(self._due) - time.monotonic()))

    def _do(self, duty: Callable[[], None]) -> None:
        """A locked database passes, and a fault of one duty must not end the others for good: the next turn comes."""
        try:
            duty()
        except AppError as error:
            LOG.warning("upkeep: %s", error)
        except Exception:  # the outermost frame of this thread: what gets past it is seen by nobody
            LOG.exception("upkeep: a duty failed")
