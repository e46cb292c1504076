"""Stays with a job until it ends: a worker for it, progress on a terminal, Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

from cli.output import texts
from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR
from core.domain.job import JobState, JobView
from core.errors import StoreError
from core.worker import ensure_worker

_POLL_S = 0.1
_WIDTH = 78
_WAITS_FOR_A_WORKER = frozenset({JobState.QUEUED, JobState.INTERRUPTED})
"""A worker may be killed before it has taken the job up, too: then it is queued for ever."""


def watch(app: App, job: JobView) -> JobView:
    """The job as it ended. Ctrl-C cancels it: what is finished stays. Raises ToolFailed (worker_gave_up) where no
    worker can be kept at work, StoreError (disk_full) where the one at work can write nothing; the job then waits."""
    ensure_worker(app.settings)
    interrupted = _Interrupt()
    shown = sys.stderr.isatty()
    view = job
    while not view.state.is_finished:
        if interrupted.take():
            app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
        time.sleep(_POLL_S)
        view = app.jobs.view(job.job.id)
        if shown:
            _show(view)
        if view.state in _WAITS_FOR_A_WORKER:
            _see_to_a_worker(app)
    if shown:
        print(file=sys.stderr)
    return view


def _see_to_a_worker(app: App) -> None:
    """One that cannot write its heartbeat is there all the same, and goes on once it can."""
    if not ensure_worker(app.settings) and not app.jobs.worker_alive() and app.storage.is_full():
        raise StoreError("disk_full", detail=str(app.settings.home))


class _Interrupt:
    """Ctrl-C, once: the second one ends the command as usual."""

    def __init__(self) -> None:
        self._told = False
        signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._told = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def take(self) -> bool:
        """Whether it was pressed since the last question."""
        told, self._told = self._told, False
        return told


def _show(view: JobView) -> None:
    t, progress = texts(), view.progress
    done = ""
    if progress is not None:
        done = f"{progress.done}/{progress.total or '?'}"
        if progress.eta_s is not None:
            done += f"  {t.duration(progress.eta_s)}"
    line = f"{t(f'job.{view.state.value}')}  {_bar(view)}  {view.steps_done}/{view.job.steps_total}  {done}"
    print(f"\r{line:<{_WIDTH}}", end="", file=sys.stderr, flush=True)


def _bar(view: JobView, width: int = 24) -> str:
    """Finished steps, and the part of the running one that is known."""
    progress = view.progress
    part = progress.done / progress.total if progress and progress.total and not view.state.is_finished else 0.0
    share = min(1.0, (view.steps_done + min(part, 1.0)) / max(1, view.job.steps_total))
    full = round(share * width)
    return f"[{'#' * full}{'-' * (width - full)}]"
