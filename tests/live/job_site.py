"""A data directory with jobs in it, real workers that are killed and started again, and a journal of what they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.adapters.locks import WORKER_LOCK, is_locked
from core.adapters.process_marks import is_alive
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import address_key
from core.domain.job import JobState, JobView
from core.settings import read_settings
from tests.fakes import samples
from tests.live.servers import ROOT

STANDIN = "tests.live.standin_worker"
ONE, TWO = 18_901, 18_902
"""Two servers, by their ports. Nobody listens there: the stand-in child asks nobody."""


def until(condition: Callable[[], object], limit_s: float, what: str) -> None:
    """Polls with a deadline, and slowly: each look is a handful of queries, and the worker wants the processor."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain: {what}"
        time.sleep(0.08)


@dataclass
class Site:
    """What a web process would hold, and the worker beside it."""

    home: Path
    app: App
    step_s: float = 0.3
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # ------------------------------------------------------------ jobs

    def job(self, name: str, server: int, steps: int = 3, served_name: str = "tiny") -> str:
        """A queued benchmark of ``steps`` points on the server of that number (its port)."""
        self.record(name, server, steps, served_name)
        self.app.queue.enqueue(name, self.app.store.jobs.get(name).kind, key_of(server), {})
        return name

    def record(self, name: str, server: int, steps: int = 3, served_name: str = "tiny") -> str:
        """Recorded only, as by a web process that died before it could queue it."""
        url = f"http://127.0.0.1:{server}/v1"
        endpoint = self.app.store.endpoints.find(url, served_name)
        if endpoint is None:
            base = samples.endpoint(id=f"ep-{server}-{served_name}", base_url=url, served_name=served_name)
            check = replace(base.check, has_metrics=False) if base.check else None
            endpoint = replace(base, server_key=key_of(server), check=check)
            self.app.store.endpoints.add(endpoint)
        run = samples.run(
            id=f"run-{name}",
            job_id=name,
            endpoint_id=endpoint.id,
            workload=samples.workload(tuple(range(1, steps + 1)), requests=10),
            created_at=self.app.clock.now(),
        )
        job = samples.job(
            id=name, run_id=run.id, server_key=key_of(server), steps_total=steps, created_at=self.app.clock.now()
        )
        with self.app.store.atomic():
            self.app.store.runs.add(run)
            self.app.store.jobs.add(job)
        return name

    def view(self, job_id: str) -> JobView:
        return self.app.jobs.view(job_id)

    def state(self, job_id: str) -> JobState:
        return self.view(job_id).state

    def reaches(self, job_id: str, state: JobState, limit_s: float = 30.0) -> JobView:
        """Waits for it."""
        until(
            lambda: self.state(job_id) is state, limit_s, f"{job_id} to be {state.value}\n{self.worker_log()[-3000:]}"
        )
        return self.view(job_id)

    def cancel(self, job_id: str) -> None:
        self.app.jobs.cancel(LOCAL_OPERATOR, job_id)

    def resume(self, job_id: str) -> None:
        self.app.jobs.resume(LOCAL_OPERATOR, job_id)

    def points(self, job_id: str) -> list[int]:
        """Which points of the job's run are measured."""
        return [found.point_index for found in self.app.store.runs.measurements(f"run-{job_id}")]

    # ------------------------------------------------------------ workers

    def start_worker(self, module: str = STANDIN, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """In a session of its own, as the app starts it."""
        with (self.home / "worker-test.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        if wait:
            until(self.has_worker, 30, "the worker to hold its lock")
        return worker

    def environment(self) -> dict[str, str]:
        """For every process of this site."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
        journal = {"STANDIN_JOURNAL": str(self.home / "journal"), "STANDIN_STEP_S": str(self.step_s)}
        return {**clean, **journal, "SEATRIAL_HOME": str(self.home)}

    def has_worker(self) -> bool:
        return is_locked(self.home / "locks" / WORKER_LOCK)

    def kill_worker(self) -> None:
        """kill -9."""
        self.workers[-1].kill()
        self.workers[-1].wait(10)

    def stop_worker(self) -> int:
        """SIGTERM; its exit code."""
        self.workers[-1].terminate()
        return self.workers[-1].wait(15)

    def worker_log(self) -> str:
        return (self.home / "worker-test.log").read_text() if self.workers else ""

    # ------------------------------------------------------------ what happened

    def journal(self) -> list[dict[str, Any]]:
        file = self.home / "journal" / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def begun(self, job_id: str) -> list[int]:
        """The points that children began, in order."""
        return [entry["point"] for entry in self.journal() if entry["event"] == "begin" and entry["run"] == job_id]

    def living(self) -> list[int]:
        """Children and grandchildren that are alive."""
        names = [path.name for path in (self.home / "journal").glob("*/*:*") if is_alive(path.name)]
        return [int(name.partition(":")[0]) for name in names]

    def assert_faithful(self, job_ids: list[str]) -> None:
        """Nothing lost, nothing done twice, never two on one server, figures and raw records of one child."""
        journal = self.journal()
        assert [entry for entry in journal if entry["event"] == "overlap"] == []
        ended = Counter((entry["run"], entry["point"]) for entry in journal if entry["event"] == "end")
        assert not [key for key, count in ended.items() if count > 1], "a completed step was done twice"
        for job_id in job_ids:
            steps = self.view(job_id).job.steps_total
            assert self.points(job_id) == list(range(steps)), "a step is lost"
            self._assert_same_makers(f"run-{job_id}")

    def _assert_same_makers(self, run_id: str) -> None:
        files = {row.name: row.id for row in self.app.store.artifacts.list(run_id)}
        for found in self.app.store.runs.measurements(run_id):
            raw = b"".join(self.app.store.artifacts.read(files[f"requests-p{found.point_index}-r{found.repeat}.jsonl"]))
            assert json.loads(raw)["process"] == int(found.tool_version)


def key_of(server: int) -> str:
    return address_key("127.0.0.1", server)


@contextmanager
def job_site(home: Path, step_s: float = 0.3) -> Iterator[Site]:
    """Whatever it started is dead afterwards."""
    app = compose(read_settings({"SEATRIAL_HOME": str(home)}))
    site = Site(home, app, step_s)
    (home / "journal").mkdir()
    try:
        yield site
    finally:
        for worker in site.workers:
            if worker.poll() is None:
                worker.terminate()
                try:
                    worker.wait(10)
                except subprocess.TimeoutExpired:
                    worker.kill()
        for pid in site.living():
            os.kill(pid, signal.SIGKILL)
