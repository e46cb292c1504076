"""Reports in a browser that has no network: by file://, in both languages, every chart drawn, on paper and as files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from core.bootstrap import App, compose
from core.services.results import RunDetail
from core.settings import read_settings
from render.comparison_report import comparison_report, release_report
from render.report import run_report
from render.texts import Texts
from tests.fakes import samples
from tests.fakes.simulated_runs import evaluated, sweep

EN = Texts("en")
CHARTS = {"run": 5, "comparison": 4, "release": 5}
A4_ACROSS_PX = (297 - 2 * 12) / 25.4 * 96
SHOWN = "document.querySelectorAll('main:not([hidden]) .chart')"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A run whose names are markup, two versions side by side, and the card of both with what they answered."""
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path_factory.mktemp("reports"))}))
    measured = tuple(samples.measurement(index, concurrency=4**index) for index in range(3))
    run = samples.run(model="</script><img src=x onerror=alert(1)>", note="<b>bold</b>")
    two_versions(app)
    comparison = app.comparisons.compare(("run-1", "run-2"))
    return {
        "run": run_report(RunDetail(run, measured, 3, (), None), EN),
        "comparison": comparison_report(comparison, app.comparisons.configuration(comparison), EN),
        "release": release_report(app.releases.card("run-1", "run-2"), EN),
    }


def two_versions(app: App) -> None:
    old, new = {"image_digest": "sha256:aa"}, {"image_digest": "sha256:bb"}
    app.store.endpoints.add(samples.endpoint())
    sweep(app.store, "run-1", seed=1, version_label="R1", provenance=old, requests=60)
    sweep(app.store, "run-2", seed=2, version_label="0528", provenance=new, requests=60, slowdown=0.9)
    evaluated(app.store, "eval-1", 150, version_label="R1", provenance=old)
    evaluated(app.store, "eval-2", 160, version_label="0528", provenance=new)


@dataclass
class Opened:
    """A report in a tab: what it asked for, and what it complained about."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, file: Path, width: int = 1200) -> Iterator[Opened]:
    context = browser.new_context(offline=True, viewport={"width": width, "height": 844}, accept_downloads=True)
    seen = Opened(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(file.as_uri())
    seen.page.wait_for_function("document.querySelectorAll('.main-svg').length > 0")
    yield seen
    context.close()


def drawn(page: Page) -> list[bool]:
    """Of the language that is shown: whether each chart has its drawing, with a width."""
    found: list[bool] = page.evaluate(
        f"[...{SHOWN}].map(box => box.querySelector('.main-svg')?.getBoundingClientRect().width > 200)"
    )
    return found


@pytest.mark.parametrize("kind", CHARTS)
def test_a_report_opens_without_a_network(browser: Browser, tmp_path: Path, reports: dict[str, str], kind: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(reports[kind], encoding="utf-8")
    with opened(browser, file, width=390) as seen:
        page = seen.page
        assert drawn(page) == [True] * CHARTS[kind]
        if kind == "run":
            assert page.locator("main:not([hidden]) .note").inner_text() == "<b>bold</b>"
        page.get_by_role("button", name="中文").click()
        page.wait_for_function("document.documentElement.lang === 'zh'")
        assert drawn(page) == [True] * CHARTS[kind]
        assert page.get_by_role("button", name="打印").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert [url for url in seen.asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert seen.complaints == []


@pytest.mark.parametrize("kind", CHARTS)
def test_a_report_prints_on_a4_with_every_chart_within_the_paper(
    browser: Browser, tmp_path: Path, reports: dict[str, str], kind: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(reports[kind], encoding="utf-8")
    with opened(browser, file, width=1900) as seen:
        seen.page.evaluate(
            "addEventListener('beforeprint', () => { window.widths = "
            f"[...{SHOWN}].map(box => box.querySelector('.main-svg').getBoundingClientRect().width) }})"
        )
        pdf = seen.page.pdf(prefer_css_page_size=True, print_background=True)
        widths = seen.page.evaluate("window.widths")
        after = seen.page.evaluate(f"[...{SHOWN}].map(box => box.querySelector('.main-svg').clientWidth)")
        assert seen.complaints == []
    assert pdf.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 8
    sides = {
        tuple(round(float(side)) for side in box.split()[2:]) for box in re.findall(rb"/MediaBox\s*\[(.*?)\]", pdf)
    }
    assert sides == {(842, 595)} or sides == {(842, 596)}, "A4, on its side"
    assert len(widths) == CHARTS[kind] and all(200 < width <= A4_ACROSS_PX for width in widths)
    assert after != widths, "the screen has its own widths again"


def test_a_chart_of_a_report_is_saved_as_picture_and_as_drawing(
    browser: Browser, tmp_path: Path, reports: dict[str, str]
) -> None:
    file = tmp_path / "report.html"
    file.write_text(reports["run"], encoding="utf-8")
    with opened(browser, file) as seen:
        saved_both(seen.page, "main:not([hidden]) .chart", "Download plot as a PNG", "SVG")


def saved_both(page: Page, chart: str, png: str, svg: str) -> list[str]:
    """Presses both buttons of the first chart; the names of the files, whose beginnings are looked at."""
    names = []
    for title, begins in ((png, b"\x89PNG"), (svg, b"<svg")):
        page.locator(chart).first.hover()
        with page.expect_download() as told:
            page.locator(chart).first.locator(f'.modebar-btn[data-title="{title}"]').click()
        content = told.value.path().read_bytes()
        assert content.startswith(begins) and len(content) > 5_000
        names.append(told.value.suggested_filename)
    return names
