"""A whole installation of its own: a data folder, a worker, and the same services that pages and shell use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.adapters.locks import WORKER_LOCK, is_locked
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import BenchmarkRequest, Engine, Measurement
from core.domain.endpoint import Endpoint
from core.domain.job import JobState, JobView
from core.domain.workload import LoadPoint, Workload
from core.settings import read_settings
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
JOB_LIMIT_S = 300.0


@dataclass
class House:
    """``app`` is what a web process would hold. Ended by ``close``."""

    home: Path
    app: App = field(init=False)
    _worker: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.reopen()

    # ------------------------------------------------------------ processes

    def reopen(self) -> None:
        """As after a restart of the web process: nothing is kept but what is on disk."""
        self.app = compose(read_settings({"SEATRIAL_HOME": str(self.home)}))

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
        return {**clean, "SEATRIAL_HOME": str(self.home)}

    def start_worker(self) -> None:
        """Returns once it holds its lock."""
        with (self.home / "worker-test.log").open("ab") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "cli", "worker"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: is_locked(self.home / "locks" / WORKER_LOCK))

    def kill_worker(self) -> None:
        """kill -9."""
        assert self._worker is not None
        self._worker.kill()
        self._worker.wait(10)

    def stop_worker(self) -> int:
        """SIGTERM; the exit code."""
        assert self._worker is not None
        self._worker.terminate()
        return self._worker.wait(20)

    def close(self) -> None:
        """No process of this house is left."""
        if self._worker is not None and self._worker.poll() is None:
            self._worker.terminate()
            try:
                self._worker.wait(20)
            except subprocess.TimeoutExpired:
                self._worker.kill()

    def seatrial(self, *arguments: str) -> Any:
        """The shell's answer to ``seatrial ... --json``."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments, "--json"],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=JOB_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # ------------------------------------------------------------ jobs

    def reaches(self, job_id: str, *states: JobState, limit_s: float = JOB_LIMIT_S) -> JobView:
        """Waits for one of the states; says why where another end came first."""

        def look() -> JobView | None:
            view = self.app.jobs.view(job_id)
            assert view.state in states or not view.state.is_finished, (view.state, view.job.reason, self.log(job_id))
            return view if view.state in states else None

        return wait_for(look, limit_s, every_s=0.2)

    def log(self, job_id: str) -> str:
        """The end of the job's and of the worker's log."""
        worker = self.home / "worker-test.log"
        return self.app.jobs.log_tail(job_id, -4000)[0] + (worker.read_text()[-2000:] if worker.exists() else "")

    def benchmark(self, endpoint: Endpoint, workload: Workload, engine: Engine = Engine.SEATRIAL) -> JobView:
        """Planned and started as the page does it."""
        plan = self.app.benchmarks.plan(BenchmarkRequest(endpoint.id, workload, engine))
        return self.app.benchmarks.start(LOCAL_OPERATOR, plan)

    def measured(self, job: JobView) -> tuple[Measurement, ...]:
        """Once it is done."""
        self.reaches(job.job.id, JobState.DONE)
        return self.app.results.run(str(job.job.run_id)).measurements


def sweep(*concurrencies: int, requests: int = 16, input_tokens: int = 64, output_tokens: int = 32) -> Workload:
    """Small enough for two cores."""
    points = tuple(LoadPoint(i, concurrency=c, requests=requests) for i, c in enumerate(concurrencies))
    return Workload(input_tokens, output_tokens, points)
