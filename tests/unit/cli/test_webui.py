"""``seatrial webui``: a dry run writes nothing, a second run writes nothing, the doctor's word is the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli import webui as command
from cli.main import main
from core.bootstrap import compose
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.endpoint_client import FakeServer
from tests.fakes.open_webui import ADMIN, PASSWORD, FakeUpstream
from tests.webui_world import QWEN, R1, UI, World

CONNECT = ["webui", "connect", "--webui", UI, "--email", ADMIN, "--endpoint", "ep-1"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The command's own core, with an Open WebUI in memory."""
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    world = World(app.store)
    monkeypatch.setattr(command, "compose", lambda: replace(app, endpoints=world.endpoints, webui=world.room))
    monkeypatch.setenv("WEBUI_PASSWORD", PASSWORD)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return world


def test_a_dry_run_shows_and_writes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CONNECT, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert f"Adds the connection {R1} with DeepSeek-R1-0528" in shown
    assert world.server.writes == []


@pytest.fixture
def qwen(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A second server, with a key, that is not attached."""
    world.client.servers[QWEN] = FakeServer("Qwen3-8B", "sk-q")
    world.server.upstreams[QWEN] = FakeUpstream("Qwen3-8B", "sk-q")
    monkeypatch.setenv("QWEN_KEY", "sk-q")
    return world


BY_URL = ["webui", "connect", "--webui", UI, "--email", ADMIN, "--endpoint", QWEN, "--key-env", "QWEN_KEY"]


def test_a_dry_run_with_a_url_stores_nothing_either(qwen: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = (qwen.endpoints.list(), dict(qwen.secrets.values))
    assert main([*BY_URL, "--dry-run"]) == 0
    assert f"Adds the connection {QWEN} with Qwen3-8B" in capsys.readouterr().out
    assert (qwen.endpoints.list(), qwen.secrets.values) == before
    assert main(BY_URL) == 0
    (attached,) = [one for one in qwen.endpoints.list() if one.base_url == QWEN]
    assert qwen.endpoints.key_of(attached) == "sk-q"
    assert [one.endpoint_id for one in qwen.room.connect.list()[0].connected] == [attached.id]


def test_a_refused_plan_leaves_no_endpoint_behind(qwen: World) -> None:
    qwen.server.upstreams[QWEN].key = "another"
    before = (qwen.endpoints.list(), dict(qwen.secrets.values))
    assert main(BY_URL) == 2
    assert (qwen.endpoints.list(), qwen.secrets.values) == before


def test_a_dry_run_keeps_no_token_of_ours(world: World) -> None:
    webui = replace(world.connect().webui, spec=samples.deployment().spec, admin_email=ADMIN)
    world.store.webuis.update(webui)
    world.secrets.put(f"webui/{webui.id}/password", PASSWORD)
    assert main(["webui", "connect", "--webui", UI, "--endpoint", "ep-1", "--dry-run"]) == 0
    assert f"webui/{webui.id}/token" not in world.secrets.values


def test_each_address_has_its_own_key(
    qwen: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    qwen.client.servers["http://127.0.0.1:8002/v1"] = FakeServer("Kimi", "sk-k")
    qwen.server.upstreams["http://127.0.0.1:8002/v1"] = FakeUpstream("Kimi", "sk-k")
    monkeypatch.setenv("KIMI_KEY", "sk-k")
    keys = ["--key-env", f"{QWEN}=QWEN_KEY", "--key-env", "127.0.0.1:8002/v1=KIMI_KEY"]
    both = [*CONNECT[:-2], "--endpoint", QWEN, "--endpoint", "127.0.0.1:8002", *keys]
    assert main([*both, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["model"] for one in document["services"]] == ["Qwen3-8B", "Kimi"]
    assert main([*both, "--key-env", "http://10.0.0.1:1=QWEN_KEY"]) == 2, "a key for nobody"


def test_what_was_not_taken_is_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.server.forgets.add("ENABLE_TAGS_GENERATION")
    main(CONNECT)
    assert "not taken: Switches tags off" in capsys.readouterr().out
    main([*CONNECT, "--json"])
    assert [one["code"] for one in json.loads(capsys.readouterr().out)["not_taken"]] == ["switch_off"]


def test_a_token_loud_and_private(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UI_TOKEN", f"token-of-{ADMIN}")
    by_token = ["webui", "connect", "--webui", UI, "--token-env", "UI_TOKEN", "--endpoint", "ep-1"]
    assert main([*by_token, "--loud", "--private", "--user-connections", "allow"]) == 0
    assert world.server.attempts.get(ADMIN) is None, "nobody signed in with a password"
    assert world.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] is True
    assert world.server.documents["/api/v1/configs/connections"]["ENABLE_DIRECT_CONNECTIONS"] is True
    assert world.server.cards == {}


def test_one_of_two_is_disconnected_and_the_other_stays(qwen: World, capsys: pytest.CaptureFixture[str]) -> None:
    main([*CONNECT, "--endpoint", QWEN, "--key-env", "QWEN_KEY", "--keep-token"])
    leave = ["webui", "disconnect", "--webui", UI, "--endpoint", "DeepSeek-R1-0528"]
    capsys.readouterr()
    assert main([*leave, "--dry-run"]) == 0
    assert f"Takes the connection {R1} away" in capsys.readouterr().out
    assert R1 in qwen.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"]
    assert main([*leave, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["leaving"], document["state"]) == (["ep-1"], "good")
    assert qwen.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == [QWEN]
    assert main(leave) == 2, "it is out already"


def test_connected_proved_and_the_second_time_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CONNECT, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["state"], first["writes"] > 0) == ("good", True)
    assert "token-abc123" not in json.dumps(first)
    assert main([*CONNECT, "--json", "--keep-token"]) == 0
    assert json.loads(capsys.readouterr().out)["writes"] == 0
    assert main(["webui", "doctor"]) == 0
    assert "Good: A chat with DeepSeek-R1-0528 works" in capsys.readouterr().out


def test_what_does_not_work_is_the_exit_code(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["webui", "doctor"]) == 2, "none is known"
    main([*CONNECT, "--keep-token"])
    world.server.upstreams[R1].serves = False
    assert main(["webui", "doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["webuis"][0]["checks"]
    assert [check["code"] for check in checks if check["state"] == "bad"] == ["probe"]


def test_a_wrong_password_and_no_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBUI_PASSWORD", "wrong")
    assert main(CONNECT) == 1
    assert main(["webui", "connect", "--webui", UI, "--endpoint", "ep-1"]) == 2
    assert world.server.attempts == {ADMIN: 1}


def test_the_first_account_of_a_fresh_one_is_made_where_that_is_asked_for(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.server.accounts.clear()
    assert main(CONNECT) == 2
    assert "has no account yet" in capsys.readouterr().err
    assert main([*CONNECT, "--first-account", "--dry-run"]) == 2
    assert world.server.accounts == {}, "a dry run makes none"
    assert main([*CONNECT, "--first-account"]) == 0
    assert world.server.accounts == {ADMIN: ("Admin", PASSWORD, "admin")}


def test_the_published_account_is_not_made_from_the_shell_either(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.server.accounts.clear()
    monkeypatch.setenv("WEBUI_PASSWORD", "admin123")
    published = [*CONNECT[:5], "admin@vastai.com", *CONNECT[6:], "--first-account"]
    assert main(published) == 2
    assert world.server.accounts == {}


def test_a_wrong_key_blocks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.secrets.values["endpoint/ep-1"] = "wrong"
    assert main(CONNECT) == 2
    said = capsys.readouterr()
    assert "Blocked" in said.err
    assert said.out == "", "and not that there is nothing to change"
    assert world.server.writes == []
