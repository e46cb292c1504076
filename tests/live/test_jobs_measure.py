"""The real worker with the real load generator against a simulated vLLM: what it costs, and a server that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import BenchmarkRequest, RunState
from core.domain.endpoint import Endpoint, Origin
from core.domain.job import Job, JobState
from core.domain.workload import LoadPoint, Workload
from tests.live.job_site import Site, job_site, until
from tests.live.servers import ROOT, alive, children_of
from tests.simulated import simulated

WORKER = "core.worker"


def attach(site: Site, url: str) -> Endpoint:
    return site.app.endpoints.attach(LOCAL_OPERATOR, url, origin=Origin.SIMULATED)


def sweep(site: Site, endpoint: Endpoint, points: tuple[tuple[int, int], ...], warmup: int = 0) -> Job:
    """Starts one; ``points`` are (concurrency, requests)."""
    load = tuple(
        LoadPoint(i, concurrency=c, requests=requests, warmup=warmup) for i, (c, requests) in enumerate(points)
    )
    plan = site.app.benchmarks.plan(BenchmarkRequest(endpoint.id, Workload(16, 8, load)))
    return site.app.benchmarks.start(LOCAL_OPERATOR, plan).job


def test_a_killed_generator_is_replaced_a_dead_server_leaves_its_points_and_the_job_resumes(tmp_path: Path) -> None:
    with job_site(tmp_path) as site:
        with simulated() as server:
            port = urlsplit(server.base_url).port
            endpoint = attach(site, server.base_url)
            job = sweep(site, endpoint, ((1, 2), (8, 320), (4, 4)))
            worker = site.start_worker(WORKER)
            until(lambda: len(site.app.store.runs.measurements(job.run_id or "")) == 1, 30, "the first point")
            until(lambda: requests_done(site, job) > 2, 30, "the second to be under way")
            (generator,) = generators(worker.pid)
            os.kill(generator, signal.SIGKILL)
            until(lambda: generators(worker.pid) not in ([], [generator]), 10, "another load generator")
            until(lambda: requests_done(site, job) > 2, 30, "the second to be under way again")
            server.process.kill()
            view = site.reaches(job.id, JobState.FAILED, 30)
        assert view.job.reason is not None
        assert view.job.reason.code in {"endpoint_gone", "endpoint_unreachable"}
        detail = site.app.results.run(job.run_id or "")
        assert detail.run.state is RunState.PARTIAL
        assert [found.point_index for found in detail.measurements] == [0]
        with simulated("--port", str(port), "--ttft-ms", "5", "--itl-ms", "1"):
            site.resume(job.id)
            site.reaches(job.id, JobState.DONE, 60)
        detail = site.app.results.run(job.run_id or "")
        assert detail.run.state is RunState.COMPLETE
        assert [found.point_index for found in detail.measurements] == [0, 1, 2]
        rows = site.app.results.requests(job.run_id or "", 2)
        assert [row.failure for row in rows] == [None] * 4


def generators(worker: int) -> list[int]:
    """The load generators that this worker has started and that live."""
    return [pid for pid, line in children_of(worker).items() if "core.loadgen" in line and alive(pid)]


def requests_done(site: Site, job: Job) -> int:
    progress = site.view(job.id).progress
    return progress.done if progress and progress.step == 1 and progress.label == "point_closed" else 0


def test_an_idle_worker_is_small(tmp_path: Path) -> None:
    with job_site(tmp_path) as site:
        worker = site.start_worker(WORKER)
        until(site.app.jobs.worker_alive, 30, "its first heartbeat")
        resident_kib = int(Path(f"/proc/{worker.pid}/status").read_text().partition("VmRSS:")[2].split()[0])
        assert resident_kib * 1024 < 150_000_000
        assert site.stop_worker() == 0
        assert "Traceback" not in site.worker_log()


def test_a_worker_loads_nothing_that_only_screens_and_evaluations_need() -> None:
    heavy = "streamlit", "plotly", "pandas", "numpy", "evalscope"
    program = f"import sys, core.worker, core.jobs.engine; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.stdout == "[]\n"
