"""What Seatrial itself costs: a sweep's overhead, the way from click to first request, cancelling, memory, idle CPU.

python scripts/bench_overhead.py [--json FILE] [--repeats 5]; medians of the repeats. Runs in a data folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.adapters.worker_process import ensure_worker  # noqa: E402
from core.bootstrap import App, compose  # noqa: E402
from core.domain.access import LOCAL_OPERATOR  # noqa: E402
from core.domain.benchmark import BenchmarkRequest  # noqa: E402
from core.domain.endpoint import Origin  # noqa: E402
from core.domain.job import JobState, JobView  # noqa: E402
from core.domain.workload import LoadPoint, Workload  # noqa: E402
from core.settings import read_settings  # noqa: E402

CONCURRENCIES = (1, 2, 4, 8, 16, 32)
IDLE_S = 10.0


def main() -> int:
    """Prints the table; writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, simulator() as url:
        os.environ["SEATRIAL_HOME"] = home
        app = compose(read_settings())
        endpoint = app.endpoints.attach(LOCAL_OPERATOR, url, origin=Origin.SIMULATED)
        ensure_worker(app.settings)
        wait(app.jobs.worker_alive, 20)
        pid = worker_pid(home)
        try:
            figures = measure(app, endpoint.id, pid, arguments.repeats)
        finally:
            os.kill(pid, 15)
    for name, value in figures.items():
        print(f"{name:<34}{value:>10.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    return 0


def measure(app: App, endpoint_id: str, pid: int, repeats: int) -> dict[str, float]:
    """Seconds, MiB and shares of a core; see the names."""
    sweeps = [one_sweep(app, endpoint_id) for _ in range(repeats)]
    cancels = [one_cancel(app, endpoint_id) for _ in range(repeats)]
    time.sleep(2)
    cpu, started = cpu_s(pid), time.monotonic()
    time.sleep(IDLE_S)
    idle = (cpu_s(pid) - cpu) / (time.monotonic() - started)
    return {
        "sweep_of_6_points_overhead_s": statistics.median(sweep[0] for sweep in sweeps),
        "click_to_first_request_s": statistics.median(sweep[1] for sweep in sweeps),
        "cancel_to_last_child_dead_s": statistics.median(cancels),
        "worker_rss_mib": rss_mib(pid),
        "worker_idle_cpu_share": idle,
    }


def one_sweep(app: App, endpoint_id: str) -> tuple[float, float]:
    """Wall time beyond the points' own, and from the click to the first measured request."""
    clicked_at, began = app.clock.now(), time.monotonic()
    job = start(app, endpoint_id, requests=32)
    wait(lambda: app.jobs.view(job.job.id).state.is_finished, 120)
    wall = time.monotonic() - began
    measured = app.results.run(job.job.run_id or "").measurements
    own = sum(point.duration_s for point in measured)
    first = min(point.started_at for point in measured)
    return wall - own, (first - clicked_at).total_seconds()


def one_cancel(app: App, endpoint_id: str) -> float:
    """From the cancel to the moment in which nobody holds the server's lock any more."""
    job = start(app, endpoint_id, requests=5000)
    wait(lambda: app.jobs.view(job.job.id).progress is not None, 20)
    began = time.monotonic()
    app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    wait(lambda: app.jobs.view(job.job.id).state is JobState.CANCELLED, 20)
    wait(lambda: not app.tools.is_held(job.job.server_key), 20)
    return time.monotonic() - began


def start(app: App, endpoint_id: str, requests: int) -> JobView:
    """A sweep over CONCURRENCIES."""
    points = tuple(
        LoadPoint(index, concurrency=count, requests=requests, warmup=0) for index, count in enumerate(CONCURRENCIES)
    )
    plan = app.benchmarks.plan(BenchmarkRequest(endpoint_id, Workload(64, 16, points)))
    return app.benchmarks.start(LOCAL_OPERATOR, plan)


@contextmanager
def simulator() -> Iterator[str]:
    """A quick simulated vLLM on a free port."""
    argv = [sys.executable, "-m", "simulator", "--port", "0", "--ttft-ms", "20", "--itl-ms", "5"]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield next(word for word in line.replace(",", " ").split() if word.startswith("http"))
    finally:
        process.terminate()
        process.wait()


def wait(true: Callable[[], bool], limit_s: float) -> None:
    """Polls; raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.02)


def worker_pid(home: str) -> int:
    """From the record in the worker's lock."""
    return int(json.loads((Path(home) / "locks" / "worker.lock").read_text())["pid"])


def cpu_s(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
