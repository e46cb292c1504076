"""Look, plan, write, read back, undo; nothing half-written, nobody else's connection dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.openwebui_http import HttpWebUiAdmin
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.finding import blocking
from core.domain.webui import Card, CheckState, Switch, UpstreamRequest, WebUi, Wishes, WriteState
from core.errors import AppError, BadInput, NotAllowed, PlanBlocked, StalePlan, Unreachable, WebUiError
from core.services.webui_room import Taken
from tests.fakes.open_webui import ADMIN, PASSWORD, VERSIONS, FakeUpstream
from tests.webui_world import OUTWARD, QWEN, R1, UI, World

OTHER = "http://10.9.9.9:9000/v1"
VIEWER = Actor("vera", Role.VIEWER)


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, database: DatabaseStore) -> World:
    """Both generations."""
    return World(database, request.param)


@pytest.fixture
def newest(database: DatabaseStore) -> World:
    return World(database)


def with_another(world: World) -> None:
    """Somebody has connected a server of their own."""
    openai = world.server.documents["/openai/config"]
    openai["OPENAI_API_BASE_URLS"] = [OTHER]
    openai["OPENAI_API_KEYS"] = ["their-key"]
    openai["OPENAI_API_CONFIGS"] = {"0": {"enable": True, "tags": ["theirs"], "model_ids": []}}


def codes(found: tuple[object, ...]) -> list[str]:
    return [str(getattr(one, "code", one)) for one in found]


# ---------------------------------------------------------------- the first time, and again


def test_the_first_time_everything_is_set_and_a_chat_is_proved(world: World) -> None:
    plan = world.plan(wishes=Wishes(user_connections=True))
    assert world.server.writes == [], "a plan writes nothing"
    assert codes(plan.changes)[:2] == ["connection_added", "placeholder_dropped"]
    assert codes(plan.changes).count("switch_off") == 5
    assert ("tools_off" in codes(plan.changes)) is (world.server.version == "0.12.4")
    applied = world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    assert (applied.not_taken, applied.webui.written) == ((), WriteState.DONE)
    report = world.room.doctor.examine(applied.webui.id, world.access()).report
    assert report is not None
    assert (report.state, report.drift) == (CheckState.GOOD, ())
    assert {check.code for check in report.checks} >= {"answers", "service", "route", "settings", "probe"}


def test_the_second_time_nothing_is_written(world: World) -> None:
    world.connect()
    world.server.calls.clear()
    again = world.connect()
    assert (again.writes, world.server.writes) == (0, [])


def test_the_name_comes_from_the_server_and_the_card_from_the_person(world: World) -> None:
    world.connect(card=Card("R1 for us", "Thinks first."))
    card = world.server.cards["DeepSeek-R1-0528"]
    assert (card["name"], card["meta"]["description"]) == ("R1 for us", "Thinks first.")
    assert world.connect().writes == 0, "no card asked for: the one that is there stays"


# ---------------------------------------------------------------- others


def test_another_connection_is_kept_with_all_that_it_carries(world: World) -> None:
    with_another(world)
    plan = world.plan()
    assert plan.kept == (OTHER,)
    world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    openai = world.server.documents["/openai/config"]
    assert openai["OPENAI_API_BASE_URLS"] == [OTHER, R1]
    assert openai["OPENAI_API_KEYS"] == ["their-key", "token-abc123"]
    assert openai["OPENAI_API_CONFIGS"]["0"] == {"enable": True, "tags": ["theirs"], "model_ids": []}
    again = world.plan()
    assert (again.changes, again.kept) == ((), (OTHER,)), "ours is no other's, although it stays as well"


def test_several_services_stand_behind_one(world: World) -> None:
    world.connect()
    qwen = world.serve(QWEN, "Qwen3-8B", "sk-q")
    applied = world.connect(qwen)
    assert {one.served_name for one in applied.webui.connected} == {"DeepSeek-R1-0528", "Qwen3-8B"}
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [R1, QWEN]
    assert world.server.documents["/api/v1/configs/models"]["DEFAULT_MODELS"] == "DeepSeek-R1-0528"


def test_ollama_stays_on_where_it_offers_a_model(newest: World) -> None:
    newest.server.documents["/ollama/config"]["OLLAMA_BASE_URLS"] = ["http://10.0.0.7:11434"]
    assert "ollama_off" not in codes(newest.plan().changes)


def test_a_default_that_names_the_weights_folder_is_replaced(newest: World) -> None:
    newest.server.documents["/api/v1/configs/models"]["DEFAULT_MODELS"] = "/weights/DeepSeek-R1-0528"
    newest.connect()
    assert newest.server.documents["/api/v1/configs/models"]["DEFAULT_MODELS"] == "DeepSeek-R1-0528"


# ---------------------------------------------------------------- what changes later


def test_a_new_key_is_one_change(world: World) -> None:
    webui = world.connect().webui
    world.server.upstreams[R1] = FakeUpstream(key="sk-new")
    world.client.servers[R1].key = "sk-new"
    world.endpoints.set_key(LOCAL_OPERATOR, world.r1.id, "sk-new")
    assert codes(world.room.connect.drift(webui, world.access())) == ["connection_key"]
    assert world.connect().writes == 1
    assert world.room.connect.drift(webui, world.access()) == ()


def test_a_new_name_at_the_same_address_takes_the_old_ones_place(world: World) -> None:
    world.connect()
    world.server.upstreams[R1].model = world.client.servers[R1].served_name = "DeepSeek-V3.1"
    world.clock.advance(60)
    successor = world.endpoints.attach(LOCAL_OPERATOR, R1, key="token-abc123")
    applied = world.connect(successor)
    assert [one.served_name for one in applied.webui.connected] == ["DeepSeek-V3.1"]
    assert world.server.documents["/openai/config"]["OPENAI_API_CONFIGS"]["0"]["model_ids"] == ["DeepSeek-V3.1"]
    assert world.server.documents["/api/v1/configs/models"]["DEFAULT_MODELS"] == "DeepSeek-V3.1"


def test_drift_is_found_and_put_right(newest: World) -> None:
    webui = newest.connect().webui
    newest.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] = True
    newest.server.documents["/api/v1/configs/models"]["DEFAULT_MODEL_METADATA"] = {}
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert codes(report.drift) == ["switch_off", "tools_off"]
    bad = {check.code: check.finding.code for check in report.checks if check.finding}
    assert bad == {"settings": "webui_drifted", "probe": "webui_probe_tools"}
    newest.connect()
    assert newest.room.connect.drift(webui, newest.access()) == ()


# ---------------------------------------------------------------- undoing


def test_undo_leads_back_to_what_was_there(world: World) -> None:
    with_another(world)
    before = {path: dict(document) for path, document in world.server.documents.items()}
    webui = world.connect().webui
    assert world.room.connect.can_undo(webui)
    undone = world.room.connect.undo(LOCAL_OPERATOR, webui.id, world.access())
    assert world.server.documents == before
    assert world.server.cards == {}
    assert (undone.not_taken, undone.webui.connected, undone.webui.written) == ((), (), WriteState.UNDONE)
    assert not world.room.connect.can_undo(undone.webui)


def test_undo_leaves_what_others_have_done_since(world: World) -> None:
    webui = world.connect().webui
    openai = world.server.documents["/openai/config"]
    openai["OPENAI_API_BASE_URLS"].append(OTHER)
    openai["OPENAI_API_KEYS"].append("their-key")
    world.server.documents["/api/v1/tasks/config"]["ENABLE_TAGS_GENERATION"] = True
    world.room.connect.undo(LOCAL_OPERATOR, webui.id, world.access())
    urls = world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"]
    assert OTHER in urls
    assert R1 not in urls
    assert world.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] is True


@pytest.mark.parametrize("way", ["finish", "undo"])
def test_one_that_dies_between_two_writes_is_finished_or_undone(world: World, way: str) -> None:
    before = {path: dict(document) for path, document in world.server.documents.items()}
    plan = world.plan()
    world.server.dies_after = 2
    access = world.access
    token = access()
    with pytest.raises(Unreachable):
        world.room.connect.apply(LOCAL_OPERATOR, plan, token)
    (webui,) = world.room.connect.list()
    assert webui.written is WriteState.HALF
    world.server.dies_after = None
    if way == "finish":
        assert world.connect().webui.written is WriteState.DONE
        world.server.calls.clear()
        assert world.connect().writes == 0
    world.room.connect.undo(LOCAL_OPERATOR, webui.id, token)
    assert world.server.documents == before, "back to the very beginning, also after finishing"


@pytest.mark.parametrize("way", ["undo", "finish"])
def test_an_undo_that_dies_between_two_writes_says_so_and_goes_on(world: World, way: str) -> None:
    before = {path: dict(document) for path, document in world.server.documents.items()}
    webui, token = world.connect().webui, world.access()
    after = {path: dict(document) for path, document in world.server.documents.items()}
    world.server.calls.clear()
    world.server.dies_after = 1
    with pytest.raises(Unreachable):
        world.room.connect.undo(LOCAL_OPERATOR, webui.id, token)
    world.server.dies_after = None
    assert world.room.connect.get(webui.id).written is WriteState.HALF
    assert world.server.documents not in (before, after)
    if way == "finish":
        world.room.links.put_right(LOCAL_OPERATOR, webui.id, token)
        assert world.server.documents == after
        assert world.room.connect.drift(world.room.connect.get(webui.id), token) == ()
    world.room.connect.undo(LOCAL_OPERATOR, webui.id, token)
    assert world.server.documents == before
    assert world.room.connect.get(webui.id).written is WriteState.UNDONE


def test_ordinary_users_may_connect_servers_of_their_own_and_may_not_again(world: World) -> None:
    document = world.server.documents["/api/v1/configs/connections"]
    document["ENABLE_DIRECT_CONNECTIONS"] = False
    plan = world.plan(wishes=Wishes(user_connections=True))
    assert "user_connections_on" in codes(plan.changes)
    webui = world.room.connect.apply(LOCAL_OPERATOR, plan, world.access()).webui
    assert world.server.documents["/api/v1/configs/connections"] == {**document, "ENABLE_DIRECT_CONNECTIONS": True}
    assert codes(world.room.connect.drift(webui, world.access())) == []
    world.room.connect.undo(LOCAL_OPERATOR, webui.id, world.access())
    assert world.server.documents["/api/v1/configs/connections"] == document
    assert "user_connections_on" not in codes(world.plan().changes), "left as it is unless somebody asks"


def test_a_card_that_somebody_has_just_made_is_no_error(world: World) -> None:
    access, card = world.access(), {"id": "m", "name": "Theirs", "meta": {}, "params": {}}
    admin = HttpWebUiAdmin(world.server.client)
    admin.write_card(UI, access, "m", card, new=True)
    admin.write_card(UI, access, "m", {**card, "name": "Ours"}, new=True)
    assert world.server.cards["m"]["name"] == "Theirs", "the reading afterwards tells"


def test_what_was_not_taken_is_named(newest: World) -> None:
    newest.server.forgets.add("ENABLE_TAGS_GENERATION")
    applied = newest.connect()
    assert [(one.code, one.params["switch"]) for one in applied.not_taken] == [("switch_off", "tags")]
    report = newest.room.doctor.examine(applied.webui.id, newest.access()).report
    assert report is not None
    told = [check.finding.code for check in report.checks if check.finding]
    assert (told, report.drift) == (["webui_not_kept"], applied.not_taken), "and not that somebody has changed it"


# ---------------------------------------------------------------- nothing is written before it can work


def test_a_plan_that_the_world_has_overtaken_is_refused(newest: World) -> None:
    plan = newest.plan()
    newest.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] = False
    with pytest.raises(StalePlan):
        newest.room.connect.apply(LOCAL_OPERATOR, plan, newest.access())
    assert newest.server.writes == []


def test_a_wrong_key_stops_everything(world: World) -> None:
    world.secrets.values["endpoint/ep-1"] = "wrong"
    plan = world.plan()
    assert codes(blocking(plan.findings)) == ["endpoint_key_refused"]
    with pytest.raises(PlanBlocked):
        world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    assert world.server.writes == []


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ({}, "webui_route_loopback"),
        ({R1: FakeUpstream(key="another")}, "webui_route_key"),
        ({R1: FakeUpstream(model="Another")}, "webui_route_no_model"),
    ],
)
def test_what_is_wrong_from_inside_is_named(world: World, inside: dict[str, FakeUpstream], code: str) -> None:
    world.server.upstreams = inside
    assert codes(blocking(world.plan().findings)) == [code]
    assert world.server.writes == []


def test_an_address_without_v1_is_named(world: World) -> None:
    world.server.upstreams = {f"http://h:1{path}": FakeUpstream() for path in ("/llm/v1/v1",)}
    plan = world.plan(url="http://h:1/llm/v1")
    assert codes(blocking(plan.findings)) == ["webui_route_path"]


def test_inside_a_bridge_the_machines_own_address_is_found(world: World) -> None:
    world.server.upstreams = {f"http://{OUTWARD}:8000/v1": FakeUpstream()}
    (upstream,) = world.plan().upstreams
    assert upstream.url == f"http://{OUTWARD}:8000/v1"


def test_an_upstream_that_lists_a_model_and_cannot_serve_it(world: World) -> None:
    webui = world.connect().webui
    world.server.upstreams[R1].serves = False
    report = world.room.doctor.examine(webui.id, world.access()).report
    assert report is not None
    (bad,) = [check.finding for check in report.checks if check.state is CheckState.BAD]
    assert bad is not None
    assert bad.code == "webui_probe_failed"
    assert "EngineCore" in str(bad.params["detail"])
    world.client.servers[R1].trial_fails = True
    world.server.calls.clear()
    with pytest.raises(PlanBlocked):
        world.connect()
    assert world.server.writes == [], "and while it is so it is not connected either"


def probed(world: World, webui_id: str) -> str:
    report = world.room.doctor.examine(webui_id, world.access()).report
    assert report is not None
    (code,) = [one.finding.code for one in report.checks if one.code == "probe" and one.finding]
    return code


def test_why_a_chat_fails_has_a_name(world: World) -> None:
    webui = world.connect().webui
    upstream = world.server.upstreams.pop(R1)
    assert probed(world, webui.id) == "webui_probe_down"
    world.server.upstreams[R1] = replace(upstream, model="Another")
    assert probed(world, webui.id) == "webui_probe_model"
    world.server.upstreams[R1] = replace(upstream, key="another")
    assert probed(world, webui.id) == "webui_probe_key"


def test_two_services_of_one_name_are_refused(world: World) -> None:
    twin = world.serve(QWEN, "DeepSeek-R1-0528", "sk-q")
    assert "webui_same_name" in codes(blocking(world.plan(world.r1, twin).findings))


def test_a_switch_that_a_version_lacks_is_named(newest: World) -> None:
    del newest.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"]
    plan = newest.plan()
    assert [one.params["switch"] for one in plan.findings if one.code == "webui_no_switch"] == [Switch.TITLE.value]


def test_a_service_that_parses_tools_keeps_them(newest: World) -> None:
    newest.chat.tools = True
    assert "tools_off" not in codes(newest.plan().changes)


# ---------------------------------------------------------------- accounts


def test_a_prefix_before_the_names_stands_against_it(world: World) -> None:
    """A chat would find no model under the name that the server gives it."""
    document = world.server.documents["/openai/config"]
    document["OPENAI_API_BASE_URLS"], document["OPENAI_API_KEYS"] = [R1], ["token-abc123"]
    document["OPENAI_API_CONFIGS"] = {"0": {"enable": True, "prefix_id": "lab"}}
    (block,) = blocking(world.plan().findings)
    assert (block.code, block.params) == ("webui_prefixed", {"url": R1, "prefix": "lab"})


def test_one_that_keeps_its_list_of_models_lists_what_was_just_connected(world: World) -> None:
    world.server.caches_models = True
    world.connect()
    qwen = world.serve(QWEN, "Qwen3-32B", "token-q")
    applied = world.connect(world.r1, qwen)
    report = world.room.doctor.examine(applied.webui.id, world.access()).report
    assert report is not None
    assert report.state is CheckState.GOOD, report


def test_a_card_that_asks_for_tools_is_told_otherwise(newest: World) -> None:
    """Open WebUI's own editor writes every capability into a card, and a card counts before the default."""
    newest.connect()
    card = newest.server.cards["DeepSeek-R1-0528"]
    card["meta"] = {"description": "Edited there", "capabilities": {"vision": True, "builtin_tools": True}}
    (webui,) = newest.room.connect.list()
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert [check.finding.code for check in report.checks if check.code == "probe" and check.finding] == [
        "webui_probe_tools"
    ]
    assert [change.code for change in report.drift] == ["card_tools_off"]
    newest.connect()
    meta = newest.server.cards["DeepSeek-R1-0528"]["meta"]
    assert meta == {"description": "Edited there", "capabilities": {"vision": True, "builtin_tools": False}}
    healed = newest.room.doctor.examine(webui.id, newest.access()).report
    assert healed is not None
    assert healed.state is CheckState.GOOD
    newest.room.connect.undo(LOCAL_OPERATOR, webui.id, newest.access())
    assert newest.server.cards["DeepSeek-R1-0528"]["meta"]["capabilities"]["builtin_tools"] is True


def test_the_first_account_is_made_with_a_password_of_its_own(database: DatabaseStore) -> None:
    world = World(database, fresh=True)
    access, password = world.room.connect.sign_up(LOCAL_OPERATOR, world.info(), ADMIN)
    assert access.role == "admin"
    assert world.server.accounts[ADMIN][1] == password
    assert len(password) >= 16
    with pytest.raises(WebUiError) as raised:
        world.room.connect.sign_up(LOCAL_OPERATOR, world.info(), "b@lab.local")
    assert raised.value.code == "webui_sign_up_closed"


def refused(world: World, email: str, password: str) -> str:
    with pytest.raises(AppError) as raised:
        world.room.connect.sign_in(LOCAL_OPERATOR, world.info(), email, password)
    return raised.value.code


def test_every_refusal_of_a_sign_in_has_its_own_name(newest: World) -> None:
    assert refused(newest, ADMIN, "wrong") == "webui_sign_in_refused"
    assert newest.server.attempts[ADMIN] == 1, "tried once"
    newest.server.attempts[ADMIN] = 15
    assert refused(newest, ADMIN, PASSWORD) == "webui_rate_limited"
    newest.server.attempts.clear()
    newest.server.second_factor = True
    assert refused(newest, ADMIN, PASSWORD) == "webui_second_factor"
    newest.server.second_factor = False
    newest.server.password_off = True
    assert refused(newest, ADMIN, PASSWORD) == "webui_password_off"
    newest.server.password_off = False
    newest.server.accounts["u@lab.local"] = ("U", "x", "user")
    assert refused(newest, "u@lab.local", "x") == "webui_not_admin"
    assert refused(newest, "", "") == "webui_email_empty"


def test_a_token_may_be_pasted_as_it_stands_in_a_header(newest: World) -> None:
    access = newest.room.connect.use_token(LOCAL_OPERATOR, newest.info(), f" Bearer token-of-{ADMIN}\n")
    assert access.token == f"token-of-{ADMIN}"
    with pytest.raises(BadInput):
        newest.room.connect.use_token(LOCAL_OPERATOR, newest.info(), "Bearer ")


def test_a_token_is_kept_only_where_it_is_asked_for(newest: World) -> None:
    webui = newest.connect().webui
    assert not any("token" in ref for ref in newest.secrets.values)
    assert newest.room.connect.kept_access(webui.id) is None
    newest.room.connect.keep_token(LOCAL_OPERATOR, webui.id, newest.access())
    kept = newest.room.connect.kept_access(webui.id)
    assert kept is not None
    assert "token" not in repr(kept)
    newest.room.connect.forget(LOCAL_OPERATOR, webui.id)
    assert not any("token" in ref for ref in newest.secrets.values)
    assert newest.room.connect.list() == ()


def test_on_a_schedule_no_model_is_asked_and_the_last_answer_stays(newest: World) -> None:
    webui = newest.connect().webui
    newest.room.connect.keep_token(LOCAL_OPERATOR, webui.id, newest.access())
    newest.room.doctor.examine(webui.id)
    newest.server.calls.clear()
    newest.room.doctor.examine_all()
    assert not [path for _, path, _ in newest.server.calls if "chat" in path or "signin" in path]
    report = newest.room.connect.get(webui.id).report
    assert report is not None
    assert "probe" in {check.code for check in report.checks}


def test_without_a_sign_in_the_doctor_says_what_it_could_not_see(newest: World) -> None:
    webui = newest.connect().webui
    report = newest.room.doctor.examine(webui.id).report
    assert report is not None
    assert {check.code: check.state for check in report.checks}["signed_in"] is CheckState.UNKNOWN


def test_a_sign_in_that_counts_no_more_is_told_and_not_taken_for_a_service_that_fails(newest: World) -> None:
    webui, access = newest.connect().webui, newest.access()
    newest.room.doctor.examine(webui.id, access)
    newest.server.accounts.clear()  # as after a restart under another secret key
    report = newest.room.doctor.examine(webui.id, access).report
    assert report is not None
    bad = {check.code: check.finding.code for check in report.checks if check.finding}
    assert bad == {"signed_in": "webui_token_refused"}


def test_without_a_proof_nothing_is_called_good(newest: World) -> None:
    webui = newest.connect().webui
    unproved = newest.room.doctor.examine(webui.id).report
    assert unproved is not None
    assert unproved.state is CheckState.UNKNOWN
    newest.room.doctor.examine(webui.id, newest.access())
    newest.clock.advance(3600)
    later = newest.room.doctor.examine(webui.id).report
    assert later is not None
    (proof,) = [check for check in later.checks if check.code == "probe"]
    assert (later.state, (later.at - proof.at).total_seconds() if proof.at else 0) == (CheckState.GOOD, 3600)


def test_another_version_is_told_until_it_is_connected_again(newest: World) -> None:
    webui = newest.connect().webui
    newest.server.public["version"] = "0.13.0"
    for _ in range(2):
        report = newest.room.doctor.examine(webui.id, newest.access()).report
        assert report is not None
        told = {check.code: check.params for check in report.checks}
        assert told["same_version"] == {"before": "0.12.4", "version": "0.13.0"}
    assert newest.connect().writes == 0
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert (report.state, report.version) == (CheckState.GOOD, "0.13.0")


def test_a_published_account_is_not_forgotten_by_the_schedule(newest: World) -> None:
    webui = newest.connect().webui
    newest.room.connect.keep_token(LOCAL_OPERATOR, webui.id, newest.access())
    newest.server.accounts["admin@vastai.com"] = ("x", "admin123", "admin")
    newest.room.doctor.examine(webui.id)
    newest.room.doctor.examine_all()
    report = newest.room.connect.get(webui.id).report
    assert report is not None
    assert report.state is CheckState.BAD


def test_a_round_that_cannot_look_inside_forgets_nothing(newest: World) -> None:
    webui = newest.connect().webui
    newest.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] = True
    seen = newest.room.doctor.examine(webui.id, newest.access()).report
    later = newest.room.doctor.examine(webui.id).report
    assert seen is not None
    assert later is not None
    assert (later.drift, later.state) == (seen.drift, CheckState.ATTENTION)
    assert {check.code for check in later.checks if check.at} == {"route", "settings", "probe"}


def test_where_nobody_signs_in_no_account_is_called_published(newest: World) -> None:
    newest.server.public["features"]["auth"] = False
    newest.server.accounts["admin@vastai.com"] = ("x", "admin123", "admin")
    webui = newest.connect().webui
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert "published_account" not in [check.code for check in report.checks]


def test_a_proof_holds_for_a_day(newest: World) -> None:
    webui = newest.connect().webui
    newest.room.connect.keep_token(LOCAL_OPERATOR, webui.id, newest.access())
    newest.room.doctor.examine(webui.id)
    states = []
    for _ in range(3):
        newest.clock.advance(12 * 3600)
        newest.room.doctor.examine_all()
        report = newest.room.connect.get(webui.id).report
        assert report is not None
        states.append(report.state)
    assert states == [CheckState.GOOD, CheckState.GOOD, CheckState.UNKNOWN]
    newest.clock.advance(3600)
    proved = newest.room.doctor.examine(webui.id).report
    assert proved is not None
    assert proved.state is CheckState.GOOD
    assert proved.state_at(newest.clock.now() + timedelta(days=2)) is CheckState.UNKNOWN, "nobody has looked since"


def test_the_published_default_account_is_warned_about(newest: World) -> None:
    webui = newest.connect().webui
    newest.server.accounts["admin@vastai.com"] = ("x", "admin123", "admin")
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert "webui_published_account" in [check.finding.code for check in report.checks if check.finding]


def test_a_colleague_gets_a_password_that_is_shown_once(newest: World) -> None:
    webui, access = newest.connect().webui, newest.access()
    add = newest.room.connect.add_colleague
    password = add(LOCAL_OPERATOR, webui.id, access, "Li", "li@lab.local", admin=False)
    assert newest.server.accounts["li@lab.local"] == ("Li", password, "user")
    with pytest.raises(WebUiError) as raised:
        add(LOCAL_OPERATOR, webui.id, access, "Li", "li@lab.local", admin=False)
    assert raised.value.code == "webui_account_there"


# ---------------------------------------------------------------- addresses and roles


def test_what_is_no_open_webui_is_said(newest: World) -> None:
    assert newest.room.connect.look(f"{UI}/admin/settings").url in {UI, f"{UI}/admin/settings"}
    newest.server.public = {"status": True}
    newest.server.public["features"] = {}
    with pytest.raises(WebUiError) as raised:
        newest.room.connect.look(UI)
    assert raised.value.code == "webui_not_one"


@pytest.mark.parametrize(
    ("url", "public", "shown"),
    [
        (UI, None, f"http://{OUTWARD}:18080"),
        ("http://10.1.1.1:3000", None, "http://10.1.1.1:3000"),
        (UI, "https://chat.example", "https://chat.example"),
        ("http://127.0.1.1:18080", None, f"http://{OUTWARD}:18080"),
        ("http://[::1]:18080", None, f"http://{OUTWARD}:18080"),
        ("http://box.localhost:18080", None, f"http://{OUTWARD}:18080"),
        (UI, "http://127.0.0.1:9", f"http://{OUTWARD}:18080"),
    ],
)
def test_a_colleague_is_never_sent_to_loopback(newest: World, url: str, public: str | None, shown: str) -> None:
    webui = replace(newest.connect().webui, url=url, public_url=public)
    assert newest.room.address_for_colleagues(webui) == shown


def test_without_an_address_there_is_none_to_hand_over(newest: World) -> None:
    webui: WebUi = newest.connect().webui
    for none in (None, "127.0.0.1"):
        newest.addresses.address = none
        assert newest.room.address_for_colleagues(webui) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:18080", "localhost:18080", "http://127.0.1.1", "http://0.0.0.0:80"])
def test_loopback_cannot_be_handed_over(newest: World, url: str) -> None:
    webui = newest.connect().webui
    with pytest.raises(BadInput) as raised:
        newest.room.connect.set_public_url(LOCAL_OPERATOR, webui.id, url)
    assert (raised.value.code, raised.value.params["field"]) == ("webui_public_loopback", "url")
    newest.room.connect.set_public_url(LOCAL_OPERATOR, webui.id, "chat.example")
    assert newest.room.connect.get(webui.id).public_url == "http://chat.example"


def test_an_address_for_colleagues_that_does_not_answer_is_told(newest: World) -> None:
    webui = newest.connect().webui
    newest.server.away.add("chat.example")
    newest.room.connect.set_public_url(LOCAL_OPERATOR, webui.id, "http://chat.example")
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    (found,) = [check for check in report.checks if check.code == "handed_over"]
    assert (found.state, found.finding and found.finding.code) == (CheckState.ATTENTION, "webui_address_silent")
    newest.server.away.clear()
    report = newest.room.doctor.examine(webui.id, newest.access()).report
    assert report is not None
    assert report.state is CheckState.GOOD


def test_calls_are_counted_by_the_servers_own_counter(newest: World) -> None:
    assert newest.room.taken(newest.r1.id) is None
    counted = {"request_success_total": 7.0, "num_requests_running": 1.0}
    newest.client.servers[R1].metrics = counted
    assert newest.room.taken(newest.r1.id) == Taken(8)
    newest.client.servers[R1].metrics = {**counted, "num_requests_waiting": 2.0, "prompt_tokens_total": 5213.0}
    assert newest.room.taken(newest.r1.id) == Taken(10, 5213)


def test_a_viewer_changes_nothing(newest: World) -> None:
    plan, access = newest.plan(), newest.access()
    connect = newest.room.connect
    for act in (
        lambda: connect.apply(VIEWER, plan, access),
        lambda: connect.sign_in(VIEWER, plan.info, ADMIN, PASSWORD),
        lambda: connect.undo(VIEWER, "x", access),
        lambda: connect.forget(VIEWER, "x"),
        lambda: connect.add_colleague(VIEWER, "x", access, "a", "a@b", admin=True),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert newest.server.writes == []


def test_keys_stand_in_no_representation(newest: World) -> None:
    plan = newest.plan()
    assert "token-abc123" not in repr(plan)
    assert "token-abc123" not in repr(newest.room.connect.apply(LOCAL_OPERATOR, plan, newest.access()))
    assert UpstreamRequest("ep-1").url is None
