"""``seatrial worker``: the process that does the work. One per data directory; SIGTERM or Ctrl-C ends it, its jobs go
on with the next one."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from core.adapters.home import make_home
from core.adapters.worker_process import ensure_worker, take_worker_lock
from core.bootstrap import App, compose
from core.domain.benchmark import Engine
from core.domain.job import JobKind, JobState
from core.errors import AppError, RefusedError
from core.settings import read_settings

if TYPE_CHECKING:
    from core.jobs.benchmark import PointRunner
    from core.jobs.upkeep import Upkeep

__all__ = ["ensure_worker", "main", "run"]

LOG = logging.getLogger("seatrial.worker")
WEBUI_ROUND_S = 900.0
"""How often each Open WebUI is checked; it is asked for its settings, no model is asked anything."""
CARE_S = 5.0
"""How often containers are compared with what is known of them."""
WATCH_S = 30.0
"""How often endpoints are asked whether they are as their last check said."""
Runners = Callable[[App], "Mapping[Engine, PointRunner]"]


def main(tell: Callable[[AppError], None] | None = None) -> int:
    """0 after a clean end, 2 where another worker is at work already, 1 where it cannot begin; ``tell`` is handed the
    reason, which goes into the log without it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    code = 0
    try:
        run()
    except AppError as error:
        (tell or partial(LOG.critical, "%s"))(error)
        code = 2 if isinstance(error, RefusedError) else 1
    _leave_threads_behind(code)
    return code


def _leave_threads_behind(code: int) -> None:
    """A step that waits for a slow server in a thread would hold up the end; the next worker does it again."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        logging.shutdown()
        os._exit(code)


def measuring_engines(app: App) -> Mapping[Engine, PointRunner]:
    """What this worker can measure with."""
    from core.jobs.loadgen_runner import LoadgenRunner
    from core.jobs.vllm_bench_runner import VllmBenchRunner

    return {
        Engine.SEATRIAL: LoadgenRunner(app.tools, app.secrets, app.prompts),
        Engine.VLLM_BENCH: VllmBenchRunner(
            app.tools, app.containers, app.store.deployments, app.secrets, app.settings, app.clock
        ),
    }


def run(runners: Runners = measuring_engines) -> None:
    """Works until it is told to end. Raises RefusedError (worker_running: pid), StoreError."""
    settings = read_settings()
    make_home(settings)
    lock = take_worker_lock(settings)
    told = _listen()
    try:
        _work(compose(settings), runners, told)
    finally:
        lock.let_go()


def _listen() -> threading.Event:
    """Set by SIGTERM, SIGINT. A closed terminal is no reason to end."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return told


def _work(app: App, runners: Runners, told: threading.Event) -> None:
    """The engine is imported once the lock is ours: it takes half a second."""
    from core.jobs.benchmark import BenchmarkWork
    from core.jobs.datasets import DatasetWork
    from core.jobs.deployment import DeploymentWork
    from core.jobs.download import DownloadWork
    from core.jobs.engine import Engine as JobEngine
    from core.jobs.evaluation import EvaluationWork
    from core.jobs.evaluation_runner import EvalscopeRunner
    from core.jobs.image import ImageWork
    from core.jobs.vllm_bench_runner import end_left_behind
    from core.jobs.webui import WebUiWork
    from core.jobs.workflows import Work

    def is_cancelled(job_id: str) -> bool:
        return app.queue.states([job_id]).get(job_id) is JobState.CANCELLED

    end_left_behind(app.settings, app.containers)
    works: dict[JobKind, Work] = {
        JobKind.BENCHMARK: BenchmarkWork(app.store, app.client, runners(app), app.settings, app.clock),
        JobKind.DEPLOYMENT: DeploymentWork(app.store, app.deployments, is_cancelled, app.settings, app.clock),
        JobKind.EVALUATION: EvaluationWork(
            app.store,
            app.client,
            app.evaluation_catalog,
            EvalscopeRunner(app.tools, app.secrets, app.settings),
            app.containers,
            app.settings,
            app.clock,
        ),
        JobKind.DATASETS: DatasetWork(app.store, app.evaluation_catalog, app.tools, app.settings, app.clock),
        JobKind.WEBUI: WebUiWork(app.store, app.webui.steps, is_cancelled, app.settings, app.clock),
        JobKind.IMAGE: ImageWork(app.store, app.containers, app.uploads, is_cancelled, app.settings, app.clock),
        JobKind.DOWNLOAD: DownloadWork(app.store, app.tools, app.secrets, app.settings, app.clock),
    }
    engine = JobEngine(app.settings, app.store, works, is_cancelled, app.queue, app.clock)
    engine.start()
    beside = rounds(app)
    for one in beside:
        one.start()
    try:
        told.wait()
    finally:
        engine.stop()
        for one in beside:
            one.stop()


def rounds(app: App) -> tuple[Upkeep, ...]:
    """What is done by the clock beside the jobs. Each has a thread of its own: an Open WebUI that is away makes its
    round wait for half a minute, and containers are not looked at so seldom."""
    from core.jobs.upkeep import Upkeep

    return (
        Upkeep(((app.care.look, CARE_S),)),
        Upkeep(((app.endpoint_watch.look, WATCH_S),)),
        Upkeep(((app.webui.doctor.examine_all, WEBUI_ROUND_S),)),
    )


if __name__ == "__main__":
    sys.exit(main())
