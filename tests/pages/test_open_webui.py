"""Open WebUI: from an address to a plan, to a chat that works; undone, drifted, started."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.endpoint import canonical_url
from tests.fakes.open_webui import ADMIN, PASSWORD
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from tests.webui_world import R1, UI, World
from ui import session


@pytest.fixture
def world(app: App) -> World:
    """An Open WebUI in memory behind the pages of this test."""
    world = World(app.store)
    session.install(replace(app, endpoints=world.endpoints, webui=world.room, clock=world.clock))
    return world


def looked(at: AppTest) -> AppTest:
    at.text_input(key="webui_connect_url").set_value(f"{UI}/")
    return at.button(key="webui_connect_look").click().run()


def signed_in(at: AppTest) -> AppTest:
    at = looked(at)
    at.text_input(key="webui_sign_in_connect_email").set_value(ADMIN)
    at.text_input(key="webui_sign_in_connect_password").set_value(PASSWORD)
    return at.button(key="webui_sign_in_connect_do").click().run()


def planned(at: AppTest) -> AppTest:
    return signed_in(at).button(key="webui_connect_plan").click().run()


def test_from_an_address_to_a_chat_that_works_and_back(world: World, open_page: Open) -> None:
    at = planned(open_page("open_webui"))
    written = sentences(at).replace("\\", "")
    assert "Adds the connection `http://127.0.0.1:8000/v1` with DeepSeek-R1-0528" in written
    assert "Switches chat titles off" in written
    assert world.server.writes == [], "shown before anything happens"
    at = at.button(key="webui_connect_apply").click().run()
    assert not at.exception
    (webui,) = world.room.connect.list()
    written = sentences(at).replace("\\", "")
    assert "A chat with DeepSeek-R1-0528 works, asked as a browser does" in written
    assert "10.0.0.5:18080" in written, "the address that a colleague can open"
    assert "token-abc123" not in written
    at = at.button(key=f"undo_{webui.id}").click().run()
    assert not at.exception
    assert R1 not in world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"]


@pytest.mark.parametrize(
    ("locale", "said"), [("en-US", "does not know a@lab.local with this password"), ("zh-CN", "只尝试了一次")]
)
def test_a_wrong_password_is_tried_once_and_said(world: World, open_page: Open, locale: str, said: str) -> None:
    at = looked(open_page("open_webui", locale=locale))
    at.text_input(key="webui_sign_in_connect_email").set_value(ADMIN)
    at.text_input(key="webui_sign_in_connect_password").set_value("wrong")
    at = at.button(key="webui_sign_in_connect_do").click().run()
    assert said in sentences(at).replace("\\", "")
    assert world.server.attempts == {ADMIN: 1}


def test_what_stands_against_it_is_shown_instead_of_a_button(world: World, open_page: Open) -> None:
    world.server.upstreams.clear()
    at = planned(open_page("open_webui"))
    assert "this machine's loopback" in sentences(at).replace("\\", "")
    assert "webui_connect_apply" not in [button.key for button in at.button]


def test_drift_is_shown_and_put_right(world: World, open_page: Open) -> None:
    webui = world.connect().webui
    world.room.connect.keep_token(LOCAL_OPERATOR, webui.id, world.access())
    world.server.documents["/api/v1/tasks/config"]["ENABLE_TAGS_GENERATION"] = True
    world.room.doctor.examine(webui.id)
    at = open_page("open_webui")
    assert "Something has changed since" in sentences(at)
    at = at.button(key=f"right_{webui.id}").click().run()
    assert not at.exception
    assert "Something has changed since" not in sentences(at)
    assert world.server.documents["/api/v1/tasks/config"]["ENABLE_TAGS_GENERATION"] is False


def test_one_that_was_cut_off_can_be_finished(world: World, open_page: Open) -> None:
    plan, access = world.plan(), world.access()
    world.server.dies_after = 1
    with pytest.raises(Exception, match="endpoint_refused"):
        world.room.connect.apply(LOCAL_OPERATOR, plan, access)
    world.server.dies_after = None
    (webui,) = world.room.connect.list()
    world.room.connect.keep_token(LOCAL_OPERATOR, webui.id, access)
    at = open_page("open_webui")
    assert "went away between two writes" in sentences(at)
    at = at.button(key=f"finish_{webui.id}").click().run()
    assert not at.exception
    assert "went away between two writes" not in sentences(at)


def test_one_is_started_with_a_password_that_is_shown_once(world: World, open_page: Open) -> None:
    at = open_page("open_webui")
    at.session_state["webui_way"] = "Start one here"
    at = at.run()
    at.selectbox(key="webui_start_image").set_value("").run()
    at.text_input(key="webui_start_image_own").set_value("open-webui:test")
    at.text_input(key="webui_start_email").set_value("admin@lab.local").run()
    assert "--network=host" in at.code[0].value
    at = at.button(key="webui_start_do").click().run()
    assert not at.exception
    (webui,) = world.room.connect.list()
    password = world.secrets.values[f"webui/{webui.id}/password"]
    assert password in [block.value for block in at.code]
    at = at.button(key="webui_password_once_ok").click().run()
    assert password not in [block.value for block in at.code]


def test_a_viewer_sees_and_changes_nothing(world: World, open_page: Open) -> None:
    webui = world.connect().webui
    at = open_page("open_webui", person=Role.VIEWER)
    assert not at.exception
    assert "DeepSeek-R1-0528" in sentences(at).replace("\\", "")
    keys = [button.key for button in at.button]
    assert f"check_{webui.id}" not in keys
    assert canonical_url(R1) == R1
