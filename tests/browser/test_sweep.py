"""The main job in a real browser, on the demo: the first sweep by clicks, its growing chart, links to it, an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import BenchmarkRequest
from core.domain.workload import LoadPoint, Workload
from core.settings import read_settings
from tests.browser.chromium import watched
from tests.browser.test_report import saved_both
from tests.live.servers import until
from tests.live.test_up import running

pytestmark = pytest.mark.browser

DRAWN = "[data-seatrial-chart] .main-svg"
PLOT = "document.querySelector('[data-seatrial-chart]')"


@dataclass(frozen=True)
class Demo:
    """A running demo, and the same data from this side."""

    url: str
    app: App

    def start(self, *concurrencies: int, requests: int, output_tokens: int) -> str:
        """A sweep through the services; its run's id."""
        (endpoint,) = self.app.endpoints.list()
        points = tuple(LoadPoint(i, concurrency=c, requests=requests) for i, c in enumerate(concurrencies))
        plan = self.app.benchmarks.plan(BenchmarkRequest(endpoint.id, Workload(16, output_tokens, points)))
        return self.app.benchmarks.start(LOCAL_OPERATOR, plan).job.run_id or ""

    def measured(self, run_id: str) -> int:
        return len(self.app.results.run(run_id).measurements)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home: Path = tmp_path_factory.mktemp("demo")
    with running(home, "--demo") as started:
        app = compose(read_settings({"SEATRIAL_HOME": str(home)}))
        until(lambda: app.endpoints.list(), 30, "the simulated endpoint to be attached")
        yield Demo(f"http://127.0.0.1:{started.port}", app)


@pytest.fixture(scope="module")
def finished(demo: Demo) -> str:
    """A short run that is over."""
    run_id = demo.start(1, 2, requests=4, output_tokens=8)
    until(lambda: demo.measured(run_id) == 2, 60, "two points")
    return run_id


def points(page: Page) -> int:
    return int(page.evaluate(f"{PLOT}.data[0].x.length"))


def shown(page: Page) -> list[list[float]]:
    """The ranges of both axes."""
    ranges: list[list[float]] = page.evaluate(f"[{PLOT}._fullLayout.xaxis.range, {PLOT}._fullLayout.yaxis.range]")
    return ranges


def zoom(page: Page) -> list[list[float]]:
    """Draws a rectangle with the mouse; the ranges after it."""
    before = shown(page)
    canvas = page.locator("[data-seatrial-chart]").first.locator(".nsewdrag")
    until(lambda: canvas.bounding_box(), 5, "the chart's place")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8, steps=6)
    page.mouse.up()
    until(lambda: shown(page) != before, 5, "the zoom")
    page.wait_for_timeout(500)  # the end of Plotly's own transition
    return shown(page)


def test_the_first_sweep_by_clicks(browser: Browser, demo: Demo) -> None:
    with watched(browser, "light", "en-US") as seen:
        page = seen.page
        seen.open(demo.url)
        page.get_by_role("button", name="Run a benchmark").first.click()
        output = page.get_by_role("spinbutton", name="Output tokens")
        output.fill("8")
        output.press("Enter")
        for name, text in (("Concurrencies", "1, 2"), ("Requests per point", "8")):
            field = page.get_by_role("textbox", name=name)
            field.fill(text)
            field.press("Enter")
            expect(page.get_by_text("--concurrency 1,2")).to_be_visible()  # with it the requests have followed
        expect(page.get_by_text("--concurrency 1,2")).to_be_visible()
        expect(page.get_by_text("--requests 8")).to_be_visible()
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url("**/run?id=*", timeout=20_000)
        expect(page.get_by_text("Complete")).to_be_visible(timeout=60_000)
        page.wait_for_selector(DRAWN, timeout=20_000)
        assert points(page) == 2
        expect(page.get_by_text("No request failed.")).to_be_visible()
        page.locator("[data-seatrial-chart]").first.locator(".points path").last.click(force=True)
        expect(page.get_by_role("heading", name="Requests at 2 concurrent")).to_be_visible(timeout=20_000)
        assert "point=1" in page.url
        assert (seen.outside, seen.complaints) == ([], [])


def test_zoom_survives_new_points(browser: Browser, demo: Demo) -> None:
    run_id = demo.start(1, 2, 3, requests=12, output_tokens=16)
    with watched(browser, "dark", "en-US") as seen:
        page = seen.page
        seen.open(f"{demo.url}/run?id={run_id}")
        page.wait_for_selector(DRAWN, timeout=60_000)
        before = points(page)
        page.evaluate(f"{PLOT}.mark = 'the same element'")
        chosen = zoom(page)
        page.wait_for_function(f"{PLOT}.data[0].x.length > {before}", timeout=60_000)
        expect(page.get_by_text("Complete")).to_be_visible(timeout=60_000)
        assert shown(page) == chosen
        assert page.evaluate(f"{PLOT}.mark") == "the same element"
        assert (seen.outside, seen.complaints) == ([], [])
    until(lambda: demo.measured(run_id) == 3, 60, "the sweep to end")


def test_a_link_opens_the_same_view_in_chinese(browser: Browser, demo: Demo, finished: str) -> None:
    with watched(browser, "dark", "zh-CN") as seen:
        page = seen.page
        seen.open(f"{demo.url}/run?id={finished}&x=tpot_p99&logx=1&point=0")
        page.wait_for_selector(DRAWN, timeout=20_000)
        assert page.evaluate(f"{PLOT}.layout.xaxis.title.text") == "每字延迟 p99 (ms)  ← 更好"
        assert page.evaluate(f"{PLOT}.layout.xaxis.type") == "log"
        expect(page.get_by_role("heading", name="逐个请求：并发 1")).to_be_visible()
        expect(page.get_by_text("模拟").first).to_be_visible()
        text_color = page.evaluate(f"{PLOT}._fullLayout.font.color")
        assert text_color.lower() == "#e4ece9", "the chart wears the dark theme"
        assert (seen.outside, seen.complaints) == ([], [])


@pytest.mark.parametrize("view", ["", "&table=guide", "&point=0"])
def test_on_a_phone_tables_scroll_and_the_page_does_not(browser: Browser, demo: Demo, finished: str, view: str) -> None:
    with watched(browser, "light", "zh-CN") as seen:
        page = seen.page
        page.set_viewport_size({"width": 390, "height": 844})
        seen.open(f"{demo.url}/run?id={finished}{view}")
        page.wait_for_selector(DRAWN, timeout=20_000)
        tables = page.get_by_test_id("stMarkdown").locator("table")
        expect(tables).to_have_count(2 if "point" in view else 1)
        assert tables.last.evaluate("it => it.scrollWidth") > 390, "nothing is left out"
        main = page.get_by_test_id("stMain")
        assert main.evaluate("it => it.scrollWidth - it.clientWidth") == 0


def test_a_chart_is_saved_as_picture_and_as_drawing(browser: Browser, demo: Demo, finished: str) -> None:
    with watched(browser, "light", "en-US") as seen:
        seen.open(f"{demo.url}/run?id={finished}")
        seen.page.wait_for_selector(DRAWN, timeout=20_000)
        names = saved_both(seen.page, "[data-seatrial-chart]", "Save as an image", "Save as a drawing (SVG)")
        assert names == [f"{finished}.png", f"{finished}.svg"]


def test_a_tab_that_shows_something_else_tells_of_a_job_from_elsewhere(browser: Browser, demo: Demo) -> None:
    """By itself, also where nothing was at work when the page was opened; the title changes from within a fragment."""
    demo.app.notices.seen(LOCAL_OPERATOR)
    with watched(browser, "light", "en-US") as seen:
        seen.open(f"{demo.url}/settings")
        expect(seen.page).to_have_title("Seatrial")
        (endpoint,) = demo.app.endpoints.list()
        points = (LoadPoint(0, concurrency=1, duration_s=20.0), LoadPoint(1, concurrency=2, duration_s=6.0))
        plan = demo.app.benchmarks.plan(BenchmarkRequest(endpoint.id, Workload(16, 8, points)))
        demo.app.benchmarks.start(LOCAL_OPERATOR, plan)
        expect(seen.page).to_have_title(re.compile(r"^\d+ % · Seatrial$"), timeout=25_000)
        expect(seen.page).to_have_title("1 done · Seatrial", timeout=60_000)
        expect(seen.page.get_by_text("Done: ").first).to_be_visible()
        assert (seen.outside, seen.complaints) == ([], [])


def test_what_is_not_there_is_told_in_a_card(browser: Browser, demo: Demo) -> None:
    with watched(browser, "light", "en-US") as seen:
        page = seen.page
        seen.open(f"{demo.url}/run?id=run-none")
        card = page.get_by_role("alert")
        expect(card).to_contain_text("There is no run run-none any more.")
        expect(page.get_by_text("Traceback")).to_have_count(0)
        assert (seen.outside, seen.complaints) == ([], [])
