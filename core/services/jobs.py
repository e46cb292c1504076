"""Jobs as a person sees them: state, progress, place in the queue, log; cancel and resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from core.domain.access import Actor, Role
from core.domain.benchmark import Page
from core.domain.job import Job, JobState, JobView, Progress
from core.domain.job_state import state_of
from core.errors import NotFoundError, RefusedError
from core.ports import Clock, JobQueue, JobStore, ToolRunner
from core.services.access import require
from core.settings import Settings

STALE_AFTER = timedelta(seconds=15)
"""A worker beats every two seconds; on a machine that is being measured it may be late."""

_RESUMABLE = frozenset({JobState.INTERRUPTED, JobState.CANCELLED, JobState.FAILED})
_UTF8_TAIL = 4


class JobService:
    """Reads both databases and the log files; changes nothing but by ``cancel`` and ``resume``."""

    def __init__(self, store: JobStore, queue: JobQueue, tools: ToolRunner, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._queue = queue
        self._tools = tools
        self._settings = settings
        self._clock = clock

    # ------------------------------------------------------------ reading

    def view(self, job_id: str) -> JobView:
        """Raises NotFoundError."""
        return self._views((self._store.get(job_id),))[0]

    def page(self, offset: int, limit: int) -> Page[JobView]:
        """The newest first."""
        page = self._store.page(offset, limit)
        return Page(self._views(page.rows), page.total, page.offset)

    def active(self) -> tuple[JobView, ...]:
        """Everything that has not ended, interrupted jobs among them, the oldest first."""
        return self._views(self._store.unfinished())

    def on_server(self, server_key: str) -> JobView | None:
        """The job that has begun on this server and could be measuring there; else the first in its queue."""
        jobs = [job for job in self._store.unfinished() if job.server_key == server_key]
        found = [view for view in self._views(jobs) if view.state.is_active or view.state is JobState.INTERRUPTED]
        busy = [view for view in found if view.state is not JobState.QUEUED]
        return next(iter(busy or found), None)

    def worker_alive(self) -> bool:
        """Whether a worker is there to take up jobs."""
        seen_at = self._queue.worker_seen_at()
        return seen_at is not None and self._clock.now() - seen_at < STALE_AFTER

    def log_tail(self, job_id: str, offset: int = 0, limit: int = 65_536) -> tuple[str, int]:
        """Log text from byte ``offset``, at most ``limit`` bytes, and where to go on. A negative offset counts from the
        end. Empty where nothing is written yet."""
        try:
            with self.log_path(job_id).open("rb") as file:
                size = file.seek(0, 2)
                start = max(0, size + offset) if offset < 0 else min(offset, size)
                file.seek(start)
                data = file.read(limit)
        except FileNotFoundError:
            return "", 0
        cut = _cut_bytes(data) if offset < 0 else 0
        whole = _whole_characters(data[cut:])
        return whole.decode("utf-8", "replace"), start + cut + len(whole)

    def log_path(self, job_id: str) -> Path:
        """Where the worker and its children write. Raises NotFoundError for what cannot be an id."""
        if Path(job_id).name != job_id:
            raise NotFoundError(kind="job", id=job_id)
        return self._settings.logs / f"{job_id}.log"

    # ------------------------------------------------------------ acting

    def cancel(self, actor: Actor, job_id: str) -> None:
        """Finished steps stay. Nothing happens to a job that has ended. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        job = self._store.get(job_id)
        if job.outcome is not None:
            return
        if not self._queue.states([job_id]):
            self._store.finish(job_id, JobState.CANCELLED, self._clock.now())
        self._queue.cancel(job_id)

    def resume(self, actor: Actor, job_id: str) -> None:
        """Goes on at the first unfinished step, in the server's own queue. Raises NotAllowed, NotFoundError,
        RefusedError (job_not_resumable: state)."""
        require(actor, Role.OPERATOR)
        view = self.view(job_id)
        if view.state not in _RESUMABLE:
            raise RefusedError("job_not_resumable", state=view.state.value)
        self._store.reopen(job_id)
        try:
            self._queue.resume(job_id)
        except NotFoundError:
            self._queue.enqueue(job_id, view.job.kind, view.job.server_key, {})

    # ------------------------------------------------------------ inside

    def _views(self, jobs: Sequence[Job]) -> tuple[JobView, ...]:
        open_ids = [job.id for job in jobs if job.outcome is None]
        engine = self._queue.states(open_ids)
        alive = self.worker_alive() if open_ids else True
        progress = self._store.progress([job.id for job in jobs])
        states = {job.id: self._state(job, engine.get(job.id), alive) for job in jobs}
        positions = self._positions() if JobState.QUEUED in states.values() else {}
        return tuple(_view(job, states[job.id], progress.get(job.id), positions.get(job.id)) for job in jobs)

    def _state(self, job: Job, engine: JobState | None, alive: bool) -> JobState:
        cancelled = JobState.CANCELLED in {job.outcome, engine}
        holds = cancelled and self._tools.holder(job.server_key) == job.id
        return state_of(job, engine, worker_alive=alive, holds_server=holds)

    def _positions(self) -> Mapping[str, int]:
        """Place of each waiting job before its server, from 1."""
        unfinished = self._store.unfinished()
        engine = self._queue.states([job.id for job in unfinished])
        places: dict[str, int] = {}
        waiting: dict[str, int] = {}
        for job in unfinished:
            if engine.get(job.id, JobState.QUEUED) is JobState.QUEUED:
                waiting[job.server_key] = places[job.id] = waiting.get(job.server_key, 0) + 1
        return places


def _view(job: Job, state: JobState, progress: Progress | None, position: int | None) -> JobView:
    done = job.steps_total if state is JobState.DONE else min(progress.step, job.steps_total) if progress else 0
    return JobView(job, state, done, progress, position if state is JobState.QUEUED else None)


def _cut_bytes(data: bytes) -> int:
    """How many bytes at the beginning belong to a character that began before."""
    return next((i for i, byte in enumerate(data[:_UTF8_TAIL]) if not 0x80 <= byte < 0xC0), 0)


def _whole_characters(data: bytes) -> bytes:
    """Without a character that is cut at the end."""
    for length in range(1, min(_UTF8_TAIL, len(data)) + 1):
        byte = data[-length]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data if needed <= length else data[:-length]
    return data
