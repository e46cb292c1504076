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
from tests.fakes.open_webui import ADMIN, PASSWORD
from tests.webui_world import R1, UI, World

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


def test_a_wrong_key_blocks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.secrets.values["endpoint/ep-1"] = "wrong"
    assert main(CONNECT) == 2
    assert "Blocked" in capsys.readouterr().err
    assert world.server.writes == []
