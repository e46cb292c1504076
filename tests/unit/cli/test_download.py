"""``seatrial download``: the plan without a download, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path))
    for name in ("HF_ENDPOINT", "SEATRIAL_WEIGHTS", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C")
    return tmp_path


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = main(["download", *words, "--dry-run", "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {"code": code, **document}


def test_a_dry_run_says_what_and_where(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(
        capsys, "https://hf-mirror.com/Qwen/Qwen3-8B", "--endpoint", "https://hf-mirror.com", "--only", "*.json"
    )
    assert found["code"] == 0
    assert (found["request"]["repo"], found["request"]["folder"]) == ("Qwen/Qwen3-8B", str(home / "weights/Qwen3-8B"))
    assert found["command"][:3] == ["seatrial", "download", "Qwen/Qwen3-8B"]
    assert found["command"][-2:] == ["--only", "*.json"]


def test_modelscope_has_its_own_address(capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(capsys, "Qwen/Qwen3-8B", "--from", "modelscope")
    assert found["request"]["endpoint"] == "https://modelscope.cn"


@pytest.mark.parametrize(
    ("words", "code"), [(("Qwen3-8B",), "repo_bad"), (("a/b", "--to", "here"), "folder_not_absolute")]
)
def test_what_is_refused(words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(capsys, *words)
    assert found["code"] == 2
    assert [finding["code"] for finding in found["findings"]] == [code]
    assert main(["download", *words]) == 2
