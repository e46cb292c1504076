"""The frame: who looks, in which language, what they may open."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import Role
from tests.pages.conftest import SHELL, Open
from ui import registry

NAMES = [entry.name for entry in registry.PAGES]


def sentences(at: AppTest) -> str:
    """Everything that is written on the page, in one string, without what only keeps a table's words in one piece."""
    groups = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    written = "\n".join(str(element.value) for group in groups for element in group)
    return written.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


def lost_by_tab(at: AppTest) -> list[str | None]:
    """Secrets that would be lost where Tab leads from them over their own eye: neither in a form nor taken as typed."""
    secrets = (field for field in at.text_input if field.proto.type == field.proto.PASSWORD)
    return [field.key for field in secrets if not (field.proto.form_id or field.proto.HasField("live_debounce_ms"))]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_page_opens_empty_in_both_languages(open_page: Open, name: str, locale: str) -> None:
    at = open_page(name, locale=locale)
    assert not at.exception
    written = sentences(at)
    assert written
    assert f"page.{name}." not in written, "a sentence is missing"


@pytest.mark.parametrize("name", NAMES)
def test_every_page_opens_for_a_viewer_or_says_why_not(open_page: Open, name: str) -> None:
    at = open_page(name, person=Role.VIEWER)
    assert not at.exception
    told = any("for operators" in str(box.proto.title).lower() for box in at.info)
    assert told == (registry.entry(name).role is Role.OPERATOR)


def test_signed_out_no_page_is_run(app: App) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=30)
    at.user = {"name": None, "session": None}
    at.switch_page("../pages/settings.py").run()
    assert "Your session has ended" in sentences(at)
    assert not at.metric
    assert not at.sidebar.children


def test_an_identity_that_no_session_backs_is_nobody(app: App) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=30)
    at.user = {"name": "li", "session": "made up"}
    at.run()
    assert "Your session has ended" in sentences(at)


def test_a_session_that_is_revoked_ends_at_the_next_click(app: App, open_page: Open) -> None:
    at = open_page("settings", person=Role.OPERATOR)
    assert "Settings" in sentences(at)
    app.access.sign_out(str(at.user["session"]))
    at.run()
    assert "Your session has ended" in sentences(at)


def test_signing_out_ends_the_session(app: App, open_page: Open) -> None:
    at = open_page("settings", person=Role.VIEWER)
    mark = str(at.user["session"])
    at.button(key="frame_sign_out").click().run()
    assert app.access.read(mark) is None
    assert "Your session has ended" in sentences(at)


def test_the_language_is_the_browsers_until_one_is_chosen_and_then_remembered(app: App, open_page: Open) -> None:
    at = open_page("settings", locale="zh-CN")
    assert at.title[0].value == "设置"
    at.button_group(key="frame_switch").set_value("en").run()
    assert at.title[0].value == "Settings"
    assert open_page("settings", locale="zh-CN").title[0].value == "Settings"


def test_times_are_shown_in_the_browsers_zone(app: App, open_page: Open) -> None:
    at = open_page("settings", person=Role.OPERATOR)
    at.context["timezone"] = "not/a-zone"
    assert not at.run().exception
