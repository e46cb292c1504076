"""What a person waits for, in Chromium: the first draw and a redraw of the list and of a comparison at 100,000 runs;
and what a watched sweep costs the machine that measures.

python scripts/bench_browser.py [--json FILE] [--repeats 5] [--runs 100000] [--points 10] [--keep FOLDER]; medians.
First draw: an empty cache, from the address to the last row or curve. Redraw: from the click until the page shows the
new thing and rests. The history is the one of bench_history.py. Exit 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Locator, Page, sync_playwright  # noqa: E402

from core.bootstrap import compose  # noqa: E402
from core.domain.access import LOCAL_OPERATOR  # noqa: E402
from core.domain.benchmark import BenchmarkRequest  # noqa: E402
from core.domain.workload import LoadPoint, Workload  # noqa: E402
from core.settings import read_settings  # noqa: E402
from scripts.bench_history import history  # noqa: E402
from scripts.measured import conclude, cpu_s, figures  # noqa: E402
from tests.browser.chromium import FLAGS, IDLE  # noqa: E402
from tests.live.servers import until, web  # noqa: E402
from tests.live.test_up import Running, running  # noqa: E402

FIRST_DRAW_S, REDRAW_S = 3.5, 0.35
LIMITS = {
    "list_first_draw_s": FIRST_DRAW_S,
    "compare_first_draw_s": FIRST_DRAW_S,
    "list_redraw_s": REDRAW_S,
    "compare_redraw_s": REDRAW_S,
    "live_chart_share_of_the_machine": 0.01,
}
RUNS = "run-00000000c350,run-00000000c351"
CURVES = "[data-seatrial-chart] .main-svg"
WARM_S, SETTLED_S, WATCHED_S = 6.0, 1.0, 30.0
_GIVE_UP_MS = 30_000


def main() -> int:
    """Prints the table; writes JSON where asked. 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        with history(arguments.keep, arguments.runs, arguments.points) as home, web(home) as port:
            time.sleep(WARM_S)  # the server imports what charts need once its first page is drawn
            values = waits(chromium, f"http://127.0.0.1:{port}", arguments.repeats)
        values["live_chart_share_of_the_machine"] = live_share(chromium)
        chromium.close()
    return conclude(figures(values, LIMITS), arguments.json, repeats=arguments.repeats, runs=arguments.runs)


def _chromium() -> str:
    return os.environ.get("CHROMIUM", "/usr/bin/chromium")


# ---------------------------------------------------------------- first draw and redraw


def waits(chromium: Browser, base: str, repeats: int) -> dict[str, float]:
    """Medians in seconds. The first visit of all is not counted."""
    found: dict[str, list[float]] = {}
    for number in range(repeats + 1):
        for name, act in (("list", _list), ("compare", _compare)):
            first, again = act(chromium, base)
            if number:
                found.setdefault(f"{name}_first_draw_s", []).append(first)
                found.setdefault(f"{name}_redraw_s", []).append(again)
    return {name: statistics.median(took) for name, took in found.items()}


def _list(chromium: Browser, base: str) -> tuple[float, float]:
    """The list, then its second page."""
    with visitor(chromium) as page:
        first = took(lambda: shown(page, f"{base}/runs", "[data-testid='stPageLink'] >> text=model-"))
        row = "[...document.querySelectorAll('[data-testid=stPageLink]')].map(e => e.textContent).join()"
        return first, until_it_says(page, row, page.get_by_role("button", name="Page 2", exact=True))


def _compare(chromium: Browser, base: str) -> tuple[float, float]:
    """Two runs, then the latency axis on a logarithmic scale."""
    with visitor(chromium) as page:
        first = took(lambda: shown(page, f"{base}/compare?runs={RUNS}", CURVES))
        kind = "document.querySelector('[data-seatrial-chart]').layout.xaxis.type"
        return first, until_it_says(page, kind, page.get_by_role("switch", name="Log latency"))


def until_it_says(page: Page, what: str, button: Locator) -> float:
    """Seconds from the click until the expression has another value, the script has run and the browser has painted;
    by the browser's own clock, so that the way from here to there is not in it."""
    time.sleep(SETTLED_S)
    took_ms = button.evaluate(_REDRAWN.replace("WHAT", what))
    return float(took_ms) / 1000.0


_REDRAWN = """button => new Promise(resolve => {
  const said = () => WHAT
  const before = said(), began = performance.now()
  const app = document.querySelector("[data-testid=stApp]")
  let ran = false
  const look = () => {
    ran ||= app.dataset.testScriptState === "running"
    if (!ran || app.dataset.testScriptState === "running" || said() === before) return
    watcher.disconnect()
    requestAnimationFrame(() => resolve(performance.now() - began))
  }
  const watcher = new MutationObserver(look)
  watcher.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  button.click()
})"""


def shown(page: Page, url: str, selector: str) -> None:
    """Opens the page; returns when it is drawn and rests."""
    page.goto(url)
    page.wait_for_selector(selector, timeout=_GIVE_UP_MS)
    page.wait_for_selector(IDLE, timeout=_GIVE_UP_MS)


def took(act: Callable[[], None]) -> float:
    """Wall-clock seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@contextmanager
def visitor(chromium: Browser) -> Iterator[Page]:
    """A browser that has never been here."""
    context = chromium.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


# ---------------------------------------------------------------- the live chart


def live_share(chromium: Browser) -> float:
    """Share of the machine's processors that the web process takes while one reader watches a running sweep, beyond
    what it takes without a reader. The browser is the reader's own machine."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "--demo") as demo:
        run_id, pid = _long_sweep(Path(folder)), demo.pid("streamlit")
        with visitor(chromium) as page:
            shown(page, f"http://127.0.0.1:{demo.port}/run?id={run_id}", CURVES)
            watched = _busy_s(pid)
        alone = _busy_s(pid)
        _end(demo)
    return max(0.0, watched - alone) / (WATCHED_S * (os.cpu_count() or 1))


def _long_sweep(home: Path) -> str:
    """A sweep that outlasts the looks at it, its first point done; the run's id."""
    app = compose(read_settings({"SEATRIAL_HOME": str(home)}))
    until(app.endpoints.list, 30, "the simulated endpoint")
    (endpoint,) = app.endpoints.list()
    points = tuple(LoadPoint(at, concurrency=at + 1, duration_s=10.0) for at in range(12))
    plan = app.benchmarks.plan(BenchmarkRequest(endpoint.id, Workload(64, 32, points)))
    run_id = app.benchmarks.start(LOCAL_OPERATOR, plan).job.run_id or ""
    until(lambda: app.results.run(run_id).measurements, 60, "the first point")
    return run_id


def _busy_s(pid: int) -> float:
    began = cpu_s(pid)
    time.sleep(WATCHED_S)
    return cpu_s(pid) - began


def _end(demo: Running) -> None:
    demo.process.terminate()
    demo.process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
