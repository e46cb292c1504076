"""Language, data and people."""

from __future__ import annotations

from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core.adapters.disk import LocalDisk
from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.services.storage import StorageService
from tests.pages.conftest import PASSWORD, Open
from tests.pages.test_shell import lost_by_tab, sentences
from ui import session


def fill(at: AppTest, name: str, password: str) -> AppTest:
    """Types into the form and sends it."""
    at.text_input(key="add_name_0").set_value(name)
    at.text_input(key="add_password_0").set_value(password)
    (submit,) = [button for button in at.button if button.label == "Add"]
    return submit.click().run()


def test_it_shows_where_data_live(app: App, open_page: Open) -> None:
    at = open_page("settings")
    assert str(app.settings.home) in [block.value for block in at.code]
    assert [metric.value for metric in at.metric][2:] == ["For ever", "512 MiB"]


def test_the_language_and_a_retention_with_an_end(app: App, open_page: Open) -> None:
    settings = replace(app.settings, retention_days=30)
    session.install(replace(app, settings=settings, storage=StorageService(settings, LocalDisk())))
    at = open_page("settings")
    assert at.metric[2].value == "30 days"
    at.button_group(key="settings_language").set_value("zh").run()
    assert not at.exception
    assert (at.metric[2].label, at.metric[2].value) == ("原始文件保留", "30 天")
    assert app.store.preferences.get("language.local") == "zh", "the next visit is in Chinese too"


def test_an_account_is_added_and_the_way_to_open_the_app_is_shown(app: App, open_page: Open) -> None:
    at = open_page("settings")
    assert "No accounts yet" in sentences(at)
    at.selectbox(key="add_role_0").set_value(Role.OPERATOR)
    at = fill(at, "Li", PASSWORD)
    assert [account.name for account in app.access.list_users()] == ["li"]
    assert "SEATRIAL_HOST=0.0.0.0 make run" in [block.value for block in at.code]
    assert [toast.value for toast in at.toast] == ["li can sign in now\\."]
    assert at.text_input(key="add_name_1").value == "", "the form is empty again"


def test_what_cannot_be_is_told_beside_its_field_and_what_was_typed_stays(app: App, open_page: Open) -> None:
    at = fill(open_page("settings"), "li wei", PASSWORD)
    assert "li wei cannot be an account's name" in sentences(at)
    assert at.text_input(key="add_name_0").value == "li wei"
    at = fill(at, "li", "short")
    assert "at least 10 characters" in sentences(at)
    assert "cannot be an account's name" not in sentences(at)
    assert app.access.list_users() == ()


def test_role_password_and_disabling(app: App, open_page: Open) -> None:
    app.access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, PASSWORD)
    app.access.add_user(LOCAL_OPERATOR, "vera", Role.VIEWER, PASSWORD)
    at = open_page("settings")
    assert lost_by_tab(at) == []
    at.selectbox(key="role_vera").set_value(Role.OPERATOR).run()
    at.button(key="set_role_vera").click().run()
    at.text_input(key="password_vera").set_value("another secret").run()
    at.button(key="set_password_vera").click().run()
    assert app.access.sign_in("vera", "another secret", "test").name == "vera"
    assert {account.name: account.role for account in app.access.list_users()}["vera"] is Role.OPERATOR
    app.access.disable(LOCAL_OPERATOR, "vera")
    at.run()
    at.button(key="enable_vera").click().run()
    assert not at.exception
    assert [account.disabled_at for account in app.access.list_users()] == [None, None]


def test_the_last_operator_stays_and_the_page_says_why(app: App, open_page: Open) -> None:
    app.access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, PASSWORD)
    at = open_page("settings")
    at.selectbox(key="role_li").set_value(Role.VIEWER).run()
    at.button(key="set_role_li").click().run()
    assert "li is the last operator" in sentences(at)


def test_a_viewer_sees_no_accounts(app: App, open_page: Open) -> None:
    app.access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, PASSWORD)
    at = open_page("settings", person=Role.VIEWER)
    assert "Only operators see the accounts" in sentences(at)
    assert not at.selectbox
    assert "**li**" not in sentences(at)
