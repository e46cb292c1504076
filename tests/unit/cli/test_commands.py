"""Commands that need no server: one JSON document with --json, sentences otherwise, exit codes 0, 1 and 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return tmp_path / "data"


def test_catalog_list_names_every_profile_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    keys = [entry["key"] for entry in entries]
    assert len(keys) == len(set(keys)) == 250
    assert next(entry for entry in entries if entry["key"] == "deepseek-r1-0528.tp32-pp2")["devices"] == 64


def test_catalog_show_refuses_an_unknown_key_with_the_way_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "no-such.tp1"]) == 2
    assert "seatrial catalog list" in capsys.readouterr().err


def test_catalog_lint_is_quiet_about_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "lint"]) == 0
    assert "250" in capsys.readouterr().out


def test_users_are_added_listed_changed_and_never_with_a_short_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_PASSWORD", "short")
    assert main(["user", "add", "li", "--role", "operator"]) == 2
    monkeypatch.setenv("SEATRIAL_PASSWORD", "a long enough password")
    assert main(["user", "add", "li", "--role", "operator"]) == 0
    assert main(["user", "add", "li", "--role", "viewer"]) == 2
    assert main(["user", "role", "li", "--role", "viewer"]) == 2, "the last operator stays one"
    capsys.readouterr()
    assert main(["user", "list", "--json"]) == 0
    users = json.loads(capsys.readouterr().out)["users"]
    assert [(user["name"], user["role"]) for user in users] == [("li", "operator")]


def test_check_says_in_json_what_is_wrong_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "http://127.0.0.1:9", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["usable"] is False
    assert document["findings"][0]["severity"] == "block"


def test_check_refuses_what_is_no_address_and_an_empty_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    assert main(["check", "ftp://example"]) == 2
    assert main(["check", "http://127.0.0.1:9", "--key-env", "NO_SUCH_KEY"]) == 2
    assert "NO_SUCH_KEY" in capsys.readouterr().err
