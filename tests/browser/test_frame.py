"""The frame in a real browser: nothing leaves the machine, in light and dark, in both languages, signed in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR, Role
from core.settings import read_settings
from tests.browser.chromium import IDLE, watched
from tests.live.servers import web

pytestmark = pytest.mark.browser

SECRET = "correct horse"


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
