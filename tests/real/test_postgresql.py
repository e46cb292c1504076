"""The whole core over PostgreSQL: results and job engine in one database, a real worker, a simulated server.

The stores and migrations have their own tests, which run on both kinds: tests/unit/database, tests/contract."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.adapters.locks import WORKER_LOCK, is_locked, read_record
from core.adapters.worker_process import ensure_worker
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import BenchmarkRequest, RunState
from core.domain.job import JobState, JobView
from core.jobs.queue import DbosQueue
from core.settings import read_settings
from tests.fakes import samples
from tests.live.servers import alive
from tests.postgresql import Cluster
from tests.simulated import SimulatedServer, simulated
from tests.waiting import wait_for

LIMIT_S = 60.0


@dataclass
class Site:
    """One installation whose two addresses are the same database, said as people say it."""

    app: App
    server: SimulatedServer

    def sweep(self, concurrencies: tuple[int, ...], requests: int = 16) -> JobView:
        """A job that was started as a page does it."""
        endpoint = self.app.endpoints.attach(LOCAL_OPERATOR, self.server.base_url)
        load = samples.workload(concurrencies, requests=requests, input_tokens=16, output_tokens=8)
        plan = self.app.benchmarks.plan(BenchmarkRequest(endpoint.id, load))
        return self.app.benchmarks.start(LOCAL_OPERATOR, plan)

    def reaches(self, job: JobView, state: JobState) -> JobView:
        def reached() -> JobView | None:
            view = self.app.jobs.view(job.job.id)
            return view if view.state is state else None

        return wait_for(reached, LIMIT_S, 0.1)

    def points(self, job: JobView) -> list[int]:
        return [found.point_index for found in self.app.store.runs.measurements(job.job.run_id or "")]

    def end_worker(self, number: signal.Signals) -> None:
        lock = self.app.settings.locks / WORKER_LOCK
        pid = read_record(lock).get("pid") if is_locked(lock) else None
        if isinstance(pid, int):
            os.kill(pid, number)
            wait_for(lambda: not alive(pid), 20)


@pytest.fixture
def site(postgresql: Cluster, tmp_path: Path) -> Iterator[Site]:
    url = postgresql.empty().replace("postgresql+psycopg://", "postgresql://")
    settings = {"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_DATABASE_URL": url, "SEATRIAL_JOBS_URL": url}
    app = compose(read_settings(settings))
    with simulated("--model", "tiny", "--ttft-ms", "50", "--itl-ms", "5") as server:
        site = Site(app, server)
        yield site
        site.end_worker(signal.SIGTERM)
    app.store.close()
    assert isinstance(app.queue, DbosQueue)
    app.queue.close()


def test_a_sweep_from_the_click_to_the_history(site: Site) -> None:
    ensure_worker(site.app.settings)
    job = site.reaches(site.sweep((1, 4)), JobState.DONE)
    detail = site.app.results.run(job.job.run_id or "")
    assert detail.run.state is RunState.COMPLETE
    assert [found.requests.succeeded for found in detail.measurements] == [16, 16]
    assert {artifact.name for artifact in detail.artifacts} >= {"requests-p0-r0.jsonl", "requests-p1-r0.jsonl"}
    (row,) = site.app.results.runs(0, 10).rows
    assert (row.id, row.points_done) == (job.job.run_id, 2)
    assert site.app.jobs.worker_alive()
    assert list(site.app.settings.home.glob("*.db")) == [], "nothing went into a file"


def test_a_killed_worker_costs_nothing_and_a_cancel_keeps_what_is_done(site: Site) -> None:
    ensure_worker(site.app.settings)
    job = site.sweep((1, 2, 4), requests=24)
    wait_for(lambda: site.points(job) == [0], LIMIT_S, 0.05)
    site.end_worker(signal.SIGKILL)
    site.reaches(job, JobState.INTERRUPTED)
    ensure_worker(site.app.settings)
    site.reaches(job, JobState.DONE)
    assert site.points(job) == [0, 1, 2]

    job = site.sweep((1, 2), requests=400)
    wait_for(lambda: site.app.jobs.view(job.job.id).progress, LIMIT_S, 0.05)
    site.app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    site.reaches(job, JobState.CANCELLED)
    site.app.jobs.resume(LOCAL_OPERATOR, job.job.id)
    wait_for(lambda: site.app.jobs.view(job.job.id).state is JobState.RUNNING, LIMIT_S, 0.05)
    site.app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    site.reaches(job, JobState.CANCELLED)
