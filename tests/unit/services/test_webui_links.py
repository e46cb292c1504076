"""A service later on: deployed anew under another key, name or port; taken out while the others stay."""

from __future__ import annotations

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.endpoint import Endpoint, Origin
from core.domain.webui import CheckState, WriteState
from core.errors import NotAllowed, NotFoundError, Unreachable
from tests.fakes import samples
from tests.fakes.endpoint_client import FakeServer
from tests.fakes.open_webui import FakeUpstream
from tests.webui_world import QWEN, R1, World

MOVED = "http://127.0.0.1:9000/v1"


@pytest.fixture
def world(database: DatabaseStore) -> World:
    return World(database)


def served_anew(world: World, url: str, name: str, key: str) -> None:
    """Something else is served at ``url``, here and as seen from inside."""
    world.client.servers[url] = FakeServer(name, key)
    world.server.upstreams[url] = FakeUpstream(name, key)


def codes(world: World, endpoint: Endpoint) -> list[str]:
    (link,) = world.room.links.by_endpoint()[endpoint.id]
    return [change.code for change in link.changes]


def healed(world: World, endpoint: Endpoint) -> list[str]:
    """What the page offers, done; the models that Open WebUI offers then."""
    (link,) = world.room.links.by_endpoint()[endpoint.id]
    world.room.links.reconnect(LOCAL_OPERATOR, link.webui.id, endpoint.id, world.access())
    assert codes(world, endpoint) == []
    report = world.room.doctor.examine(link.webui.id, world.access()).report
    assert report is not None
    assert (report.state, report.drift) == (CheckState.GOOD, ())
    return [name for config in configs(world).values() for name in config["model_ids"]]


def configs(world: World) -> dict[str, dict[str, list[str]]]:
    return world.server.documents["/openai/config"]["OPENAI_API_CONFIGS"]  # type: ignore[no-any-return]


# ---------------------------------------------------------------- deployed anew


def test_a_new_key_is_one_change_on_its_own_page_at_once(world: World) -> None:
    world.connect()
    assert codes(world, world.r1) == []
    served_anew(world, R1, "DeepSeek-R1-0528", "sk-new")
    world.server.calls.clear()
    world.endpoints.set_key(LOCAL_OPERATOR, world.r1.id, "sk-new")
    assert codes(world, world.r1) == ["connection_key"]
    assert world.server.calls == [], "told without asking Open WebUI"
    assert healed(world, world.r1) == ["DeepSeek-R1-0528"]


def test_the_print_of_a_key_is_not_the_key(world: World) -> None:
    (one,) = world.connect().webui.connected
    assert one.key_print is not None
    assert "token-abc123" not in one.key_print
    first = one.key_print
    world.secrets.delete("webui/key_print_salt")
    (again,) = world.connect().webui.connected
    assert again.key_print != first, "it cannot be reckoned without the salt"


def test_a_new_name_at_the_same_address(world: World) -> None:
    world.connect()
    served_anew(world, R1, "DeepSeek-V3.1", "token-abc123")
    world.clock.advance(60)
    successor = world.endpoints.attach(LOCAL_OPERATOR, R1, key="token-abc123")
    assert codes(world, successor) == ["connection_models"]
    assert set(world.room.links.by_endpoint()) == {successor.id}, "the other serves nothing any more"
    assert healed(world, successor) == ["DeepSeek-V3.1"]


def deployed(world: World, url: str, deployment_id: str) -> Endpoint:
    world.store.deployments.add(samples.deployment(id=deployment_id))
    given = {"origin": Origin.DEPLOYED, "server_key": deployment_id, "deployment_id": deployment_id}
    key = world.client.servers[url].key
    return world.endpoints.attach(LOCAL_OPERATOR, url, key=key, **given)  # type: ignore[arg-type]


def test_a_new_port_under_the_same_container_name(world: World) -> None:
    old = deployed(world, R1, "d-1")
    webui = world.connect(old).webui
    world.endpoints.archive(LOCAL_OPERATOR, old.id)
    del world.client.servers[R1], world.server.upstreams[R1]
    report = world.room.doctor.examine(webui.id, world.access()).report
    assert report is not None
    assert "webui_service_gone" in [check.finding.code for check in report.checks if check.finding]

    served_anew(world, MOVED, "DeepSeek-R1-0528", "sk-2")
    successor = deployed(world, MOVED, "d-2")
    assert codes(world, successor) == ["connection_moved", "connection_key"]
    report = world.room.doctor.examine(webui.id, world.access()).report
    assert report is not None
    assert [change.code for change in report.drift] == ["connection_moved", "connection_key"]
    assert "webui_service_renewed" in [check.finding.code for check in report.checks if check.finding]
    healed(world, successor)
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [MOVED]


def test_only_the_one_is_connected_again_although_another_is_away(world: World) -> None:
    qwen = world.serve(QWEN, "Qwen3-8B", "sk-q")
    webui = world.connect(world.r1, qwen).webui
    del world.client.servers[QWEN]
    served_anew(world, R1, "DeepSeek-R1-0528", "sk-new")
    world.endpoints.set_key(LOCAL_OPERATOR, world.r1.id, "sk-new")
    applied = world.room.links.reconnect(LOCAL_OPERATOR, webui.id, world.r1.id, world.access())
    assert {one.served_name for one in applied.webui.connected} == {"DeepSeek-R1-0528", "Qwen3-8B"}
    with pytest.raises(NotAllowed):
        world.room.links.reconnect(Actor("vera", Role.VIEWER), webui.id, world.r1.id, world.access())


def test_a_slash_too_many_is_put_right(world: World) -> None:
    webui = world.connect().webui
    world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] = [f"{R1}/"]
    world.server.upstreams[f"{R1}/"] = world.server.upstreams[R1]
    drift = world.room.connect.drift(webui, world.access())
    assert [(one.code, one.params) for one in drift] == [("connection_moved", {"url": R1, "before": f"{R1}/"})]
    world.room.links.put_right(LOCAL_OPERATOR, webui.id, world.access())
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [R1]


# ---------------------------------------------------------------- taken out


def both(world: World) -> tuple[str, Endpoint]:
    qwen = world.serve(QWEN, "Qwen3-8B", "sk-q")
    return world.connect(world.r1, qwen).webui.id, qwen


def test_one_of_two_leaves_and_comes_back(world: World) -> None:
    webui_id, _ = both(world)
    before = {path: dict(document) for path, document in world.server.documents.items()}
    plan = world.room.connect.plan_leaving(webui_id, world.access(), [world.r1.id])
    assert [change.code for change in plan.changes] == ["connection_dropped", "default_model", "card_removed"]
    assert plan.kept == (QWEN,)
    applied = world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    assert applied.not_taken == ()
    assert [one.served_name for one in applied.webui.connected] == ["Qwen3-8B"]
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [QWEN]
    assert world.server.documents["/api/v1/configs/models"]["DEFAULT_MODELS"] == "Qwen3-8B"
    assert set(world.server.cards) == {"Qwen3-8B"}
    report = world.room.doctor.examine(webui_id, world.access()).report
    assert report is not None
    assert (report.state, report.drift) == (CheckState.GOOD, ())
    undone = world.room.connect.undo(LOCAL_OPERATOR, webui_id, world.access())
    assert world.server.documents == before
    assert {one.served_name for one in undone.webui.connected} == {"DeepSeek-R1-0528", "Qwen3-8B"}


def test_one_whose_endpoint_was_archived_can_leave(world: World) -> None:
    webui_id, _ = both(world)
    world.endpoints.archive(LOCAL_OPERATOR, world.r1.id)
    plan = world.room.connect.plan_leaving(webui_id, world.access(), [world.r1.id])
    world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    report = world.room.doctor.examine(webui_id, world.access()).report
    assert report is not None
    assert report.state is CheckState.GOOD


def test_a_connection_that_offers_others_too_only_loses_our_model(world: World) -> None:
    webui_id = world.connect().webui.id
    configs(world)["0"]["model_ids"] = ["theirs", "DeepSeek-R1-0528"]
    plan = world.room.connect.plan_leaving(webui_id, world.access(), [world.r1.id])
    world.room.connect.apply(LOCAL_OPERATOR, plan, world.access())
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [R1]
    assert configs(world)["0"]["model_ids"] == ["theirs"]


def test_a_name_that_another_connection_offers_keeps_its_place(world: World) -> None:
    webui_id = world.connect().webui.id
    openai = world.server.documents["/openai/config"]
    openai["OPENAI_API_BASE_URLS"].append("http://10.9.9.9:1/v1")
    openai["OPENAI_API_KEYS"].append("theirs")
    openai["OPENAI_API_CONFIGS"]["1"] = {"enable": True, "model_ids": ["DeepSeek-R1-0528"]}
    plan = world.room.connect.plan_leaving(webui_id, world.access(), [world.r1.id])
    assert [change.code for change in plan.changes] == ["connection_dropped"]


def test_one_that_dies_while_a_service_leaves_is_finished(world: World) -> None:
    webui_id, _ = both(world)
    plan, token = world.room.connect.plan_leaving(webui_id, world.access(), [world.r1.id]), world.access()
    world.server.calls.clear()
    world.server.dies_after = 1
    with pytest.raises(Unreachable):
        world.room.connect.apply(LOCAL_OPERATOR, plan, token)
    world.server.dies_after = None
    assert world.room.connect.get(webui_id).written is WriteState.HALF
    applied = world.room.links.put_right(LOCAL_OPERATOR, webui_id, token)
    assert (applied.webui.written, len(applied.webui.connected)) == (WriteState.DONE, 1)
    assert set(world.server.cards) == {"Qwen3-8B"}


def test_with_the_last_service_nothing_is_left_to_open_chats_with(world: World) -> None:
    webui = world.connect().webui
    plan = world.room.connect.plan_leaving(webui.id, world.access(), [world.r1.id])
    changes = {change.code: change.params for change in plan.changes}
    assert changes["default_model_none"] == {"before": "DeepSeek-R1-0528", "after": None}


def test_what_is_not_connected_cannot_leave(world: World) -> None:
    webui_id = world.connect().webui.id
    with pytest.raises(NotFoundError):
        world.room.connect.plan_leaving(webui_id, world.access(), ["ep-9"])
    assert world.server.writes
