"""The workflows that a worker runs. Importing this registers them; only ``engine`` does.

One body serves every kind of job: begin, the steps one after another, end. A step is checkpointed by the engine and
done at least once, so its work looks first for what is done already. A step that could not be done says why as a value:
an exception would have to be read back from the engine's JSON."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from dbos import DBOS
from dbos import error as engine_error

from core.domain.job import JobKind, JobState, Reason
from core.errors import AppError, StoreError
from core.jobs.outcomes import reason_of

LOG = logging.getLogger("seatrial.jobs")

_PASSING = frozenset({"store_locked", "disk_full"})
_END_AGAIN_S = 2.0
_MAX_RECOVERIES = 50
"""After so many deaths of the worker over one job, the job is given up. A resume counts anew."""


class Work(Protocol):
    """What a kind of job does; each verb may be called again."""

    def begin(self, job_id: str) -> int:
        """How many steps there are. Blocking."""
        ...

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One step; why it could not be done, or None. Cancelled, it ends every process before it returns."""
        ...

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Blocking."""
        ...


@dataclass(frozen=True)
class Runtime:
    """What the workflows of this process work with. ``is_cancelled`` asks the engine's database."""

    works: Mapping[JobKind, Work]
    is_cancelled: Callable[[str], bool]


class Active:
    """The jobs whose workflow runs in this process, from its first line to its last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    @contextmanager
    def entered(self, job_id: str) -> Iterator[None]:
        """A job may be in twice for an instant: resumed while its old run notices that it is not wanted any more."""
        self._add(job_id, 1)
        try:
            yield
        finally:
            self._add(job_id, -1)

    def ids(self) -> frozenset[str]:
        """Now."""
        with self._lock:
            return frozenset(self._counts)

    def _add(self, job_id: str, change: int) -> None:
        with self._lock:
            count = self._counts.pop(job_id, 0) + change
            if count:
                self._counts[job_id] = count


ACTIVE = Active()
_runtime: Runtime | None = None


def bind(runtime: Runtime) -> None:
    """Before the engine is launched."""
    global _runtime
    _runtime = runtime


def _bound() -> Runtime:
    if _runtime is None:
        raise RuntimeError("workflows.bind() comes before launch")
    return _runtime


@DBOS.step(name="step", preemptible=True)
async def do_step(kind: str, job_id: str, step: int) -> dict[str, Any] | None:
    """None, or the reason's code and params."""
    reason = await _bound().works[JobKind(kind)].do(job_id, step)
    return {"code": reason.code, "params": dict(reason.params)} if reason else None


def _registered(kind: JobKind) -> Callable[[str], Coroutine[Any, Any, str]]:
    """The workflow of one kind, under the kind's name."""

    @DBOS.workflow(name=kind.value, max_recovery_attempts=_MAX_RECOVERIES)
    async def workflow(job_id: str) -> str:
        return await _run(kind, job_id)

    return workflow


WORKFLOWS = {kind: _registered(kind) for kind in JobKind}


async def _run(kind: JobKind, job_id: str) -> str:
    work = _bound().works[kind]
    with ACTIVE.entered(job_id):
        try:
            return await _steps(kind, work, job_id)
        except engine_error.DBOSWorkflowCancelledError:
            await _end(work, job_id, JobState.CANCELLED)
            raise
        except AppError as error:
            return await _end(work, job_id, JobState.FAILED, reason_of(error))


async def _end(work: Work, job_id: str, outcome: JobState, reason: Reason | None = None) -> str:
    """Ends the job so. While the database is locked or the disk full, it is tried again and again: what was done is
    done, and must not be called failed for it. Raises AppError."""
    while True:
        try:
            # Whoever has resumed a cancelled job meanwhile owns its outcome now.
            if outcome is not JobState.CANCELLED or await asyncio.to_thread(_bound().is_cancelled, job_id):
                await asyncio.to_thread(work.end, job_id, outcome, reason)
            return outcome.value
        except StoreError as error:
            if error.code not in _PASSING:
                raise
            LOG.warning("the end of job %s (%s) could not be written yet: %s", job_id, outcome.value, error)
        await asyncio.sleep(_END_AGAIN_S)


async def _steps(kind: JobKind, work: Work, job_id: str) -> str:
    for step in range(await asyncio.to_thread(work.begin, job_id)):
        told = await do_step(kind.value, job_id, step)
        if told is not None:
            return await _end(work, job_id, JobState.FAILED, Reason(told["code"], told["params"]))
    return await _end(work, job_id, JobState.DONE)
