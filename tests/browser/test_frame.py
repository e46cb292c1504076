"""The frame in a real browser: nothing leaves the machine, in light and dark, in both languages, signed in and out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR, Role
from core.settings import read_settings
from tests.live.servers import web

pytestmark = pytest.mark.browser

SECRET = "correct horse"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Streamlit's front end looks for its own routes below a deep link first.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@dataclass
class Watched:
    """A page, what it asked for outside of this machine, and what it complained about."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector(IDLE, timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser: Browser, scheme: str, locale: str) -> Iterator[Watched]:
    context = browser.new_context(color_scheme=scheme, locale=locale, timezone_id="Asia/Shanghai")  # type: ignore[arg-type]
    seen = Watched(context.new_page())

    def guard(route: object, request: object) -> None:
        url = urlsplit(request.url)  # type: ignore[attr-defined]
        if url.scheme in {"data", "blob"} or url.hostname == "127.0.0.1":
            route.continue_()  # type: ignore[attr-defined]
        else:
            seen.outside.append(request.url)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

    def heard(message: object) -> None:
        place = message.location.get("url", "")  # type: ignore[attr-defined]
        if message.type in {"error", "warning"} and not place.endswith(PROBES):  # type: ignore[attr-defined]
            seen.complaints.append(f"{message.text} {place}")  # type: ignore[attr-defined]

    context.route("**/*", guard)
    seen.page.on("console", heard)
    yield seen
    context.close()


@pytest.mark.parametrize(("scheme", "locale", "title"), [("light", "en-US", "Settings"), ("dark", "zh-CN", "设置")])
def test_nothing_leaves_the_machine_and_nothing_complains(
    browser: Browser, tmp_path: Path, scheme: str, locale: str, title: str
) -> None:
    with web(tmp_path) as port, watched(browser, scheme, locale) as seen:
        seen.open(f"http://127.0.0.1:{port}/settings")
        expect(seen.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        seen.open(f"http://127.0.0.1:{port}/")
        fonts = seen.page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px Inter'))")
        background = seen.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert fonts
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 20, 19)"}[scheme]
    assert (seen.outside, seen.complaints) == ([], [])


def test_signing_in_leads_back_and_a_session_that_ends_is_told_at_the_next_click(
    browser: Browser, tmp_path: Path
) -> None:
    access = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)})).access
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    with web(tmp_path, "0.0.0.0") as port, watched(browser, "light", "en-US") as seen:
        page, base = seen.page, f"http://127.0.0.1:{port}"
        page.goto(f"{base}/settings?x=1")
        page.fill("#name", "li")
        page.fill("#password", SECRET)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector(IDLE, timeout=30_000)
        assert page.url == f"{base}/settings?x=1"
        assert "seatrial_session" not in page.evaluate("document.cookie")
        access.set_password(LOCAL_OPERATOR, "li", "another secret")
        page.get_by_role("radio", name="中文").first.click()
        expect(page.get_by_text("登录已失效")).to_be_visible()
        page.get_by_role("link", name="重新登录").click()
        page.wait_for_selector("#password")
        assert page.url == f"{base}/login?next=/settings%3Fx%3D1"
    assert seen.outside == []
