"""What Seatrial itself costs: a sweep's overhead, the way from click to first request, cancelling, the first page after
a start, memory, idle CPU.

python scripts/bench_overhead.py [--json FILE] [--repeats 5]; medians of the repeats. Runs in data folders of its own.
Exit 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import logging
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

from streamlit.testing.v1 import AppTest  # noqa: E402

from core.adapters.worker_process import ensure_worker  # noqa: E402
from core.bootstrap import App, compose  # noqa: E402
from core.domain.access import LOCAL_OPERATOR  # noqa: E402
from core.domain.benchmark import BenchmarkRequest  # noqa: E402
from core.domain.endpoint import Origin  # noqa: E402
from core.domain.job import JobState, JobView  # noqa: E402
from core.domain.workload import LoadPoint, Workload  # noqa: E402
from core.settings import read_settings  # noqa: E402
from scripts.drawing import draw, opened  # noqa: E402
from scripts.measured import conclude, cpu_s, figures, rss_mib  # noqa: E402
from tests.live.servers import answers, children_of, free_port, process  # noqa: E402
from ui import session  # noqa: E402

CONCURRENCIES = (1, 2, 4, 8, 16, 32)
IDLE_S = 10.0
MB_IN_MIB = 1e6 / 2**20
LIMITS = {
    "sweep_of_6_points_overhead_s": 3.0,
    "click_to_first_request_s": 1.5,
    "cancel_to_last_child_dead_s": 2.0,
    "start_to_first_page_s": 3.0,
    "web_rss_mib": 250 * MB_IN_MIB,
    "worker_rss_mib": 150 * MB_IN_MIB,
    "worker_idle_cpu_share": 0.04,
}
SHELL = ROOT / "ui" / "shell.py"


def main() -> int:
    """Prints the table; writes JSON where asked. 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # AppTest: Streamlit misses its server, again and again
    with tempfile.TemporaryDirectory() as home, simulator() as url:
        os.environ["SEATRIAL_HOME"] = home
        app = compose(read_settings())
        endpoint = app.endpoints.attach(LOCAL_OPERATOR, url, origin=Origin.SIMULATED)
        ensure_worker(app.settings)
        wait(app.jobs.worker_alive, 20)
        pid = worker_pid(home)
        try:
            values = measure(app, endpoint.id, pid, arguments.repeats)
        finally:
            os.kill(pid, 15)
    values |= starts(arguments.repeats)
    return conclude(figures(values, LIMITS), arguments.json, repeats=arguments.repeats)


def measure(app: App, endpoint_id: str, pid: int, repeats: int) -> dict[str, float]:
    """Seconds, MiB and shares of a core; see the names."""
    sweeps = [one_sweep(app, endpoint_id) for _ in range(repeats)]
    clicks = [one_click(app, endpoint_id) for _ in range(repeats)]
    cancels = [one_cancel(app, endpoint_id) for _ in range(repeats)]
    time.sleep(2)
    cpu, started = cpu_s(pid), time.monotonic()
    time.sleep(IDLE_S)
    idle = (cpu_s(pid) - cpu) / (time.monotonic() - started)
    return {
        "sweep_of_6_points_overhead_s": statistics.median(sweeps),
        "click_to_first_request_s": statistics.median(clicks),
        "cancel_to_last_child_dead_s": statistics.median(cancels),
        "worker_rss_mib": rss_mib(pid),
        "worker_idle_cpu_share": idle,
    }


def one_sweep(app: App, endpoint_id: str) -> float:
    """Wall time beyond the points' own."""
    began = time.monotonic()
    job = start(app, endpoint_id, requests=32)
    wait(lambda: app.jobs.view(job.job.id).state.is_finished, 120)
    wall = time.monotonic() - began
    return wall - sum(point.duration_s for point in app.results.run(job.job.run_id or "").measurements)


def one_click(app: App, endpoint_id: str) -> float:
    """From the click on the page's button to the first measured request; the page is drawn by Streamlit's own AppTest,
    so that what the browser and the line add is not in it."""
    session.install(app)
    page = AppTest.from_file(str(SHELL), default_timeout=30)
    page.user = {"name": "local", "session": session.LOOPBACK}
    page.query_params["endpoint"] = endpoint_id
    page.switch_page("../pages/benchmark.py").run()
    clicked_at = app.clock.now()
    page.button(key="benchmark_start").click().run()
    (job,) = app.jobs.active()
    run_id = job.job.run_id or ""
    wait(lambda: app.results.run(run_id).measurements, 120)
    first = min(point.started_at for point in app.results.run(run_id).measurements)
    app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    wait(lambda: not app.jobs.active(), 20)
    return (first - clicked_at).total_seconds()


def starts(repeats: int) -> dict[str, float]:
    """The whole app, as `make run` starts it: until its first page is drawn, and what the web process then holds. The
    first start of all, which fills the caches and makes the database, is not counted."""
    with tempfile.TemporaryDirectory() as home:
        found = [one_start(Path(home)) for _ in range(repeats + 1)][1:]
    return {
        "start_to_first_page_s": statistics.median(one[0] for one in found),
        "web_rss_mib": statistics.median(one[1] for one in found),
    }


def one_start(home: Path) -> tuple[float, float]:
    """Seconds, MiB. Nothing is left running."""
    port, began = free_port(), time.monotonic()
    env = {"SEATRIAL_HOME": str(home), "SEATRIAL_PORT": str(port)}
    with process([sys.executable, "-m", "cli.main", "up"], home / "up.log", env) as up:
        wait(lambda: answers(f"http://127.0.0.1:{port}/"), 60)
        with opened(port) as socket:
            draw(socket, "")
            took = time.monotonic() - began
            for page in ("runs", "benchmark"):
                draw(socket, page)
            web = next(pid for pid, line in children_of(up.pid).items() if "streamlit" in line)
            return took, rss_mib(web)


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


if __name__ == "__main__":
    sys.exit(main())
