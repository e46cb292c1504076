"""What a long history costs: every query of its lists, and the pages that draw them, at 100,000 runs and 1,000,000
measurements.

python scripts/bench_history.py [--json FILE] [--runs 100000] [--points 10] [--keep FOLDER]; medians of 9. CPU time
of the server's side, and bytes to the browser. ``--keep`` names a data folder to fill once and use again. Exit 1
where a limit is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import insert  # noqa: E402

from core.adapters.database.migrations import migrate  # noqa: E402
from core.adapters.database.run_lists import search_text, store_facets  # noqa: E402
from core.adapters.database.runs import _identify, _measurement_row, _run_row  # noqa: E402
from core.adapters.database.store import DatabaseStore  # noqa: E402
from core.adapters.database.tables import MeasurementTable, RunDetailTable, RunTable  # noqa: E402
from core.domain.benchmark import RunState  # noqa: E402
from core.domain.capacity import capacity  # noqa: E402
from core.domain.history import Facet, RunFilter, Shelf, TrendFigure  # noqa: E402
from core.domain.workload import Slo  # noqa: E402
from core.services.history import HistoryService  # noqa: E402
from core.services.results import PointDetail, RequestRow, RunDetail  # noqa: E402
from render.report import run_report  # noqa: E402
from render.texts import Texts  # noqa: E402
from scripts.drawing import draw, follow, opened  # noqa: E402
from scripts.measured import conclude, cpu_s, figures, rss_mib  # noqa: E402
from tests.fakes import samples  # noqa: E402
from tests.fakes.clock import FakeClock  # noqa: E402
from tests.live.servers import web  # noqa: E402

REPEATS = 9
REDRAWS = 20
SESSIONS = 50
POLLS = 100
WARM_S = 6.0
"""The server imports what charts need once its first page is drawn."""
BATCH = 2_000
START = datetime(2025, 1, 1, tzinfo=UTC)
MODELS = [f"model-{number:02}" for number in range(20)]
LISTS = ("list", "list_of_a_model", "trend", "compare")
LIMITS = {
    **{f"{page}_page_over_empty_ms": 50.0 for page in LISTS},
    **{f"{page}_page_kib": 60.0 for page in LISTS},
    "web_rss_with_50_sessions_mib": 300e6 / 2**20,
    "report_of_12_charts_s": 1.0,
    "report_of_12_charts_mib": 5.5e6 / 2**20,
}
QUERY_LIMIT_MS = 30.0
PLATFORMS = ("va16-32", "va10-16", "a100-8", None)


def main() -> int:
    """Prints the table; writes JSON where asked. 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with history(arguments.keep, arguments.runs, arguments.points) as home:
        asked = queries(home)
        values = asked | pages(home) | report()
    queried = (name for name in asked if not name.startswith("trend"))  # that is five of them, the first time
    limits = LIMITS | dict.fromkeys(queried, QUERY_LIMIT_MS)
    return conclude(figures(values, limits), arguments.json, runs=arguments.runs, points=arguments.points)


# ---------------------------------------------------------------- a long history


@contextmanager
def history(keep: Path | None, runs: int, points: int) -> Iterator[Path]:
    """A data folder with that many runs."""
    with tempfile.TemporaryDirectory() as scratch:
        home = keep or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        file = home / "seatrial.db"
        is_new = not file.exists()
        migrate(f"sqlite:///{file}")
        if is_new:
            began = time.monotonic()
            fill(DatabaseStore(f"sqlite:///{file}"), runs, points)
            print(f"made {runs} runs of {points} measurements in {time.monotonic() - began:.0f} s", file=sys.stderr)
        yield home


def fill(store: DatabaseStore, runs: int, points: int) -> None:
    """Runs of 20 models in 60 versions on 4 platforms; a hundredth is archived, a tenth has tags."""
    store.endpoints.add(samples.endpoint())
    dice = random.Random(7)
    for first in range(0, runs, BATCH):
        rows = [run_row(number, dice) for number in range(first, min(first + BATCH, runs))]
        with store._database.write() as session:
            for row in rows[:200]:
                store_facets(session, row)
            session.execute(insert(RunTable), [columns(row) for row in rows])
            details = [{"run_id": row.id, "workload": WORKLOAD, "command": ("x",), "provenance": {}} for row in rows]
            session.execute(insert(RunDetailTable), details)
            figures = [columns(_measurement_row(row.id, point)) for row in rows for point in MEASURED[:points]]
            session.execute(insert(MeasurementTable), figures)


WORKLOAD = samples.workload(tuple(2**exponent for exponent in range(10)))
MEASURED = [samples.measurement(index, concurrency=2**index) for index in range(10)]


def run_row(number: int, dice: random.Random) -> RunTable:
    """One run, ten minutes after the one before."""
    model, platform = dice.choice(MODELS), dice.choice(PLATFORMS)
    told = {
        "platform": platform,
        "profile": f"tp{dice.choice((8, 16, 32))}",
        "image": f"vllm:0.{dice.randrange(30, 34)}",
    }
    run = samples.run(
        id=f"run-{number:012x}",
        model=model,
        version_label=f"r{dice.randrange(3)}",
        workload=replace(WORKLOAD, input_tokens=dice.choice((128, 1024, 8192))),
        created_at=START + timedelta(minutes=10 * number),
        created_by=dice.choice(("han", "li", "local")),
        state=RunState.COMPLETE,
        job_id=None,
        tags=("nightly", "driver 550") if dice.random() < 0.1 else (),
        archived_at=START if dice.random() < 0.01 else None,
        note="after the driver upgrade" if dice.random() < 0.05 else "",
    )
    row = _run_row(run)
    _identify(row, told)
    row.search_text = search_text(row)
    row.points_done, row.best_output_tokens_per_s = 10, dice.gauss(2000, 100)
    row.lowest_ttft_p50_ms = dice.gauss(200, 10)
    return row


def columns(row: Any) -> dict[str, Any]:
    """A mapped row's values."""
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


# ---------------------------------------------------------------- queries


def queries(home: Path) -> dict[str, float]:
    """Milliseconds of processor time."""
    store = DatabaseStore(f"sqlite:///{home / 'seatrial.db'}")
    model = RunFilter(facets={Facet.MODEL: "model-07"})
    three = RunFilter(facets={Facet.MODEL: "model-07", Facet.PLATFORM: "a100-8", Facet.PERSON: "li"})
    tagged = RunFilter(facets={Facet.TAG: "nightly"})
    month = RunFilter(since=START + timedelta(days=300), until=START + timedelta(days=330))
    asked: dict[str, Callable[[], object]] = {
        "list_first_page_ms": lambda: store.runs.page(0, 25),
        "list_last_page_ms": lambda: store.runs.page(98_000, 25),
        "list_model_ms": lambda: store.runs.page(0, 25, model),
        "list_three_filters_ms": lambda: store.runs.page(0, 25, three),
        "list_tag_ms": lambda: store.runs.page(0, 25, tagged),
        "list_month_ms": lambda: store.runs.page(0, 25, month),
        "list_archived_ms": lambda: store.runs.page(0, 25, RunFilter(shelf=Shelf.ARCHIVED)),
        "list_words_ms": lambda: store.runs.page(0, 25, RunFilter(text="driver model-07")),
        "list_words_not_found_ms": lambda: store.runs.page(0, 25, RunFilter(text="zzzz")),
        "list_filters_and_words_ms": lambda: store.runs.page(0, 25, replace(three, text="upgrade")),
        "choices_ms": lambda: store.runs.facets(),
        "trend_by_days_ms": lambda: HistoryService(store, FakeClock()).trend(model, TrendFigure.OUTPUT),
        "trend_by_days_at_a_load_ms": lambda: HistoryService(store, FakeClock()).trend(model, TrendFigure.OUTPUT, 16),
        "one_run_ms": lambda: (store.runs.get("run-00000000c350"), store.runs.measurements("run-00000000c350")),
    }
    return {name: 1000 * cpu(ask) for name, ask in asked.items()}


def cpu(act: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of processor time, after one call that warms up."""
    act()
    took = []
    for _ in range(repeats):
        began = time.process_time()
        act()
        took.append(time.process_time() - began)
    return statistics.median(took)


# ---------------------------------------------------------------- pages


def pages(home: Path) -> dict[str, float]:
    """Of each page, drawn again in an open session: milliseconds of the server's processor time beyond the emptiest
    page of the same process, and KiB to the browser."""
    run = "run-00000000c350"
    asked = {
        "list": ("runs", ""),
        "list_of_a_model": ("runs", "model=model-07&platform=a100-8"),
        "trend": ("runs", "show=trend&model=model-07"),
        "run": ("run", f"id={run}"),
        "compare": ("compare", f"runs={run},run-00000000c351"),
    }
    found: dict[str, float] = {}
    with web(home) as port:
        pid = server_of(port)
        redraw(port, pid, "run", "")
        time.sleep(WARM_S)
        empty_s, empty_bytes = redraw(port, pid, "run", "")
        found |= {"empty_page_ms": 1000 * empty_s, "empty_page_kib": empty_bytes / 1024}
        for name, (page, query) in asked.items():
            took_s, size = redraw(port, pid, page, query)
            found |= {f"{name}_page_over_empty_ms": 1000 * (took_s - empty_s), f"{name}_page_kib": size / 1024}
        found["notices_poll_ms"] = 1000 * poll(port, pid)
        found["web_rss_with_50_sessions_mib"] = many_sessions(port, pid)
    return found


def server_of(port: int) -> int:
    """The web process on the port."""
    return next(int(entry.name) for entry in Path("/proc").iterdir() if serves(entry, port))


def serves(entry: Path, port: int) -> bool:
    """Whether this process is the web server on the port."""
    if not entry.name.isdecimal():
        return False
    with suppress(OSError):
        return f"--server.port={port}\0" in (entry / "cmdline").read_text()
    return False


def many_sessions(port: int, pid: int) -> float:
    """Resident memory with SESSIONS lists open, each drawn twice."""
    with ExitStack() as sessions:
        sockets = [sessions.enter_context(opened(port)) for _ in range(SESSIONS)]
        for _ in range(2):
            for socket in sockets:
                draw(socket, "runs")
        return rss_mib(pid)


def redraw(port: int, pid: int, page: str, query: str) -> tuple[float, float]:
    """Mean processor seconds and bytes of a redraw, after the first ones."""
    with opened(port) as socket:
        for _ in range(4):
            draw(socket, page, query)
        began = cpu_s(pid)
        sizes = [draw(socket, page, query).size for _ in range(REDRAWS)]
        return (cpu_s(pid) - began) / REDRAWS, statistics.mean(sizes)


def poll(port: int, pid: int) -> float:
    """Processor seconds of one slow look for a person's jobs, as every open tab makes it."""
    with opened(port) as socket:
        drawn = draw(socket, "settings")
        (fragment,) = drawn.rhythms
        follow(socket, drawn.page_hash, fragment)
        began = cpu_s(pid)
        for _ in range(POLLS):
            follow(socket, drawn.page_hash, fragment)
        return (cpu_s(pid) - began) / POLLS


# ---------------------------------------------------------------- the report


def report() -> dict[str, float]:
    """A report of twelve charts in both languages: seconds of processor time, and MiB."""
    measured = tuple(MEASURED)
    rows = tuple(RequestRow(n, n * 0.01, 200.0 + n % 50, 900.0, 20.0, 64, 24, None, "", 0) for n in range(2_000))
    looks = tuple({"t_s": float(at), "num_requests_running": 16.0, "kv_cache_usage_perc": 0.5} for at in range(60))
    detail = RunDetail(samples.run(), measured, len(measured), (), None)
    found = capacity(measured, Slo(95, ttft_ms=500.0), {})
    point = PointDetail(measured[-1], rows, looks)

    def make() -> str:
        return run_report(detail, Texts("en"), found=found, point=point)

    return {"report_of_12_charts_s": cpu(make, 3), "report_of_12_charts_mib": len(make().encode()) / 2**20}


if __name__ == "__main__":
    sys.exit(main())
