"""Open WebUI: from an address to a plan, to a chat that works; undone, drifted, started."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.endpoint import canonical_url
from core.domain.job import JobState
from core.domain.webui import UpstreamRequest, WebUi, WebUiStartRequest, Wishes
from render.qr import qr_png
from tests.fakes.open_webui import ADMIN, PASSWORD
from tests.pages.conftest import Open
from tests.pages.test_shell import lost_by_tab, sentences
from tests.webui_world import QWEN, R1, UI, World
from ui import session
from ui.components import webui_hand_over


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
    assert lost_by_tab(at) == []
    at = at.button(key="webui_start_do").click().run()
    assert not at.exception
    (webui,) = world.room.connect.list()
    password = world.secrets.values[f"webui/{webui.id}/password"]
    assert password in [block.value for block in at.code]
    at = at.button(key="webui_password_once_ok").click().run()
    assert password not in [block.value for block in at.code]


@pytest.fixture
def kept(world: World) -> WebUi:
    """Connected, with a sign-in that is kept."""
    webui = world.connect().webui
    world.room.connect.keep_token(LOCAL_OPERATOR, webui.id, world.access())
    return world.room.doctor.examine(webui.id)


def agreed(at: AppTest, key: str, yes: str) -> None:
    """The button in a dialog, pressed. In a browser the dialog alone runs again; here whatever opened it is pressed
    along."""
    at.button(key=key).click()
    assert not at.button(key=yes).click().run().exception


def told(at: AppTest) -> list[str]:
    return [toast.value.replace("\\", "") for toast in at.toast]


def test_a_redeployed_service_is_put_right_on_its_own_page(world: World, kept: WebUi, open_page: Open) -> None:
    assert f"right_{kept.id}_ep-1" not in [button.key for button in open_page("endpoints").button]
    world.server.upstreams[R1].key = world.client.servers[R1].key = "sk-new"
    world.endpoints.set_key(LOCAL_OPERATOR, "ep-1", "sk-new")
    at = open_page("endpoints")
    assert "Replaces the key of `http://127.0.0.1:8000/v1`" in sentences(at)
    assert "1 change" in [link.label.partition(" · ")[2] for link in at.get("page_link")] or "1 change" in sentences(at)
    at = at.button(key=f"right_{kept.id}_ep-1").click().run()
    assert not at.exception
    assert "1 setting put right." in told(at)
    assert world.server.documents["/openai/config"]["OPENAI_API_KEYS"] == ["sk-new"]
    assert f"right_{kept.id}_ep-1" not in [button.key for button in at.button]
    assert open_page("endpoints", person=Role.VIEWER).exception == []


def test_a_sign_in_that_counts_no_more_is_asked_for_again(world: World, open_page: Open) -> None:
    at = signed_in(open_page("open_webui")).button(key="webui_connect_plan").click().run()
    at = at.button(key="webui_connect_apply").click().run()
    (webui,) = world.room.connect.list()
    world.server.accounts[ADMIN] = ("Admin", PASSWORD, "nobody")
    at = at.button(key=f"check_{webui.id}").click().run()
    assert not at.exception
    assert f"webui_sign_in_{webui.id}_password" in [field.key for field in at.text_input]


def test_what_was_chosen_for_one_is_no_choice_for_another(world: World, kept: WebUi, open_page: Open) -> None:
    connect, other = world.room.connect, world.room.connect.look("http://127.0.0.1:18081")
    access = connect.sign_in(LOCAL_OPERATOR, other, ADMIN, PASSWORD)
    plan = connect.plan(other, access, [UpstreamRequest("ep-1")], Wishes())
    second = connect.apply(LOCAL_OPERATOR, plan, access).webui
    connect.keep_token(LOCAL_OPERATOR, second.id, access)
    at = open_page("open_webui").button(key=f"services_{kept.id}").click().run()
    at = at.toggle(key=f"webui_connect_{UI}_quiet").set_value(False).run()
    at = at.button(key=f"services_{second.id}").click().run()
    assert [toggle.value for toggle in at.toggle if str(toggle.key).endswith("_quiet")] == [True]


def test_one_of_two_services_is_disconnected_after_a_look(world: World, kept: WebUi, open_page: Open) -> None:
    world.connect(world.r1, world.serve(QWEN, "Qwen3-8B", "sk-q"))
    at = open_page("open_webui").button(key=f"disconnect_{kept.id}_ep-1").click().run()
    assert f"Takes the connection `{R1}` away" in sentences(at)
    assert R1 in world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"]
    agreed(at, f"disconnect_{kept.id}_ep-1", "disconnect_yes")
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [QWEN]
    assert [one.served_name for one in world.room.connect.get(kept.id).connected] == ["Qwen3-8B"]


def test_what_was_not_taken_stays_on_the_card(world: World, open_page: Open) -> None:
    world.server.forgets.add("ENABLE_TAGS_GENERATION")
    webui = world.connect().webui
    world.room.connect.keep_token(LOCAL_OPERATOR, webui.id, world.access())
    world.room.doctor.examine(webui.id)
    at = open_page("open_webui")
    assert "1 change was written, but Open WebUI did not keep it" in sentences(at)
    assert "Something has changed since" not in sentences(at), "nobody else has done it"
    at = at.button(key=f"undo_{webui.id}").click().run()
    assert not at.exception


def test_hand_over_an_address_an_account_and_a_token(
    world: World, kept: WebUi, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(webui_hand_over, "qr_png", lambda text: drawn.append(text) or qr_png(text))
    at, form = open_page("open_webui"), f"webui_public_{kept.id}"
    assert drawn == ["http://10.0.0.5:18080"], "what a colleague's telephone opens"
    at = at.text_input(key=form).set_value("http://127.0.0.1:18080").run().button(key=f"{form}_do").click().run()
    assert "leads every colleague to their own machine" in sentences(at)
    at = at.text_input(key=form).set_value("https://chat.example").run().button(key=f"{form}_do").click().run()
    assert drawn[-1] == "https://chat.example"

    written = sentences(at)
    assert "https://docs.openwebui.com/" in written
    assert "24,860 to 113 bytes" in written
    world.client.servers[R1].metrics = {"request_success_total": 7.0, "prompt_tokens_total": 100.0}
    at = at.button(key=f"webui_count_{kept.id}_do").click().run()
    world.client.servers[R1].metrics = {"request_success_total": 8.0, "prompt_tokens_total": 113.0}
    written = sentences(at.run()).replace("\\", "")
    assert "1 call to DeepSeek-R1-0528 since" in written
    assert "13 input tokens" in written

    form = f"webui_colleague_{kept.id}"
    at.text_input(key=f"{form}_name").set_value("Li")
    at.text_input(key=f"{form}_email").set_value("li@lab.local")
    at = at.button(key=f"{form}_do").click().run()
    _, password, role = world.server.accounts["li@lab.local"]
    assert role == "user"
    assert password in [block.value for block in at.code]

    at = at.toggle(key=f"keep_{kept.id}").set_value(False).run()
    assert not at.exception
    assert f"webui/{kept.id}/token" not in world.secrets.values
    assert not world.room.connect.get(kept.id).token_kept


def test_without_an_address_nothing_leads_to_loopback(world: World, kept: WebUi, open_page: Open) -> None:
    world.addresses.address = None
    at = open_page("open_webui")
    assert "This machine has no address but its own loopback" in sentences(at)
    assert f"]({UI})" not in sentences(at)


def test_one_of_ours_is_stopped_restarted_and_removed(world: World, open_page: Open) -> None:
    containers = world.room.containers
    request = WebUiStartRequest("open-webui:test", ADMIN, (UpstreamRequest("ep-1"),), password=PASSWORD)
    webui, _ = containers.start(LOCAL_OPERATOR, containers.plan(request))
    for step in (world.room.steps.create, world.room.steps.connect):
        step(webui.id, lambda _: None)
    world.store.jobs.finish(str(webui.job_id), JobState.DONE, world.clock.now())
    for verb in ("stop", "restart"):
        at = open_page("open_webui").button(key=f"{verb}_{webui.id}").click().run()
        world.server.away = {"127.0.0.1"} if verb == "stop" else set()
        agreed(at, f"{verb}_{webui.id}", "confirm_yes")
        view = containers.container(world.room.connect.get(webui.id))
        assert view is not None
        assert view.state == ("exited" if verb == "stop" else "running")
        if verb == "stop":
            at = open_page("open_webui")
            assert "Does not work" in sentences(at), "one that was stopped is not said to work"
            assert f"stop_{webui.id}" not in [button.key for button in at.button]
    assert len(world.queue.begun_with) == 2, "connected and proved again"
    at = open_page("open_webui").button(key=f"remove_{webui.id}").click().run()
    assert "stay in the volume" in sentences(at)
    agreed(at, f"remove_{webui.id}", "confirm_yes")
    assert world.engine.list() == ()


def test_a_viewer_sees_and_changes_nothing(world: World, open_page: Open) -> None:
    webui = world.connect().webui
    at = open_page("open_webui", person=Role.VIEWER)
    assert not at.exception
    assert "DeepSeek-R1-0528" in sentences(at).replace("\\", "")
    keys = [button.key for button in at.button]
    assert f"check_{webui.id}" not in keys
    assert canonical_url(R1) == R1
