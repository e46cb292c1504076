"""An image onto the host: pulled, or loaded from a file. The engine does it in one go; a break begins it anew, and what
has come by then it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from core.adapters.database.failures import translated
from core.domain.job import JobState, Progress, Reason
from core.errors import AppError
from core.jobs.outcomes import JobLog, reason_of, settle
from core.jobs.steps import StepReport, StepStop, WorkerStops
from core.ports import Clock, ContainerEngine, Store, Uploads
from core.services.images import LOAD, PULL
from core.settings import Settings

_CHUNK_BYTES = 1024 * 1024
_STOP_WAIT_S = 1.0


class ImageWork:
    """One step. The job's server key says what and which."""

    def __init__(
        self,
        store: Store,
        engine: ContainerEngine,
        uploads: Uploads,
        is_cancelled: Callable[[str], bool],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._engine = engine
        self._uploads = uploads
        self._is_cancelled = is_cancelled
        self._clock = clock
        self._log = JobLog(settings, clock)

    def begin(self, job_id: str) -> int:
        """Marks the job as begun; how many steps there are."""
        self._store.jobs.mark_started(job_id, self._clock.now())
        self._log.say(job_id, self._store.jobs.get(job_id).server_key)
        return 1

    async def do(self, job_id: str, step: int) -> Reason | None:
        """Why it could not be done, or None. A pull is left where it is when somebody cancels: the engine ends it."""
        stop = StepStop(lambda: self._is_cancelled(job_id))
        thread = asyncio.ensure_future(asyncio.to_thread(self._do, job_id, stop))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            stop.ask()
            await asyncio.wait({thread}, timeout=_STOP_WAIT_S)
            raise

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes the outcome."""
        settle(self._store, job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)

    def _do(self, job_id: str, stop: StepStop) -> Reason | None:
        key = self._store.jobs.get(job_id).server_key
        report = StepReport(self._store, self._log, job_id)
        try:
            if key.startswith(LOAD):
                path = key.removeprefix(LOAD)
                names = self._engine.load(self._read(Path(path), report, stop))
                self._uploads.discard(path)
                self._log.say(job_id, "loaded", {"names": " ".join(names)})
            else:
                self._pull(key.removeprefix(PULL), report, stop)
        except (WorkerStops, _Cancelled):
            return None
        except AppError as error:
            return reason_of(error)
        return None

    def _pull(self, image: str, report: StepReport, stop: StepStop) -> None:
        for done, total in self._engine.pull(image):
            if stop():
                raise _Cancelled
            report(self._progress("start_pull", done, total))

    def _read(self, path: Path, report: StepReport, stop: StepStop) -> Iterator[bytes]:
        """The file, piece by piece, as the engine takes it. Raises StoreError."""
        done = 0
        with translated():
            total = path.stat().st_size
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    if stop():
                        raise _Cancelled
                    yield chunk
                    done += len(chunk)
                    report(self._progress("image_load", done, total))

    def _progress(self, label: str, done: int, total: int | None) -> Progress:
        return Progress(0, label, done, total, "bytes", None, None, self._clock.now())


class _Cancelled(Exception):
    """Unwinds a step that is not wanted any more."""
