"""A report in a browser that has no network: by file://, in both languages, every chart drawn."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page

from core.services.results import RunDetail
from render.report import run_report
from render.texts import Texts
from tests.fakes import samples

CHARTS = 5


def drawn(page: Page) -> list[bool]:
    """Of the language that is shown: whether each chart has its drawing, with a width."""
    found: list[bool] = page.evaluate(
        "[...document.querySelectorAll('main:not([hidden]) .chart')]"
        ".map(box => box.querySelector('.main-svg')?.getBoundingClientRect().width > 200)"
    )
    return found


def test_a_report_opens_without_a_network(browser: Browser, tmp_path: Path) -> None:
    measured = tuple(samples.measurement(index, concurrency=4**index) for index in range(3))
    run = samples.run(model="</script><img src=x onerror=alert(1)>", note="<b>bold</b>")
    file = tmp_path / "report.html"
    file.write_text(run_report(RunDetail(run, measured, 3, (), None), Texts("en")), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    page, asked, complaints = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('.main-svg').length > 0")
    assert drawn(page) == [True] * CHARTS
    assert page.locator("main:not([hidden]) .note").inner_text() == "<b>bold</b>"
    page.get_by_role("button", name="中文").click()
    page.wait_for_function("document.documentElement.lang === 'zh'")
    assert drawn(page) == [True] * CHARTS
    assert page.get_by_role("button", name="打印").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert complaints == []
    context.close()
