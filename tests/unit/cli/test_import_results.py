"""``seatrial import``: what can be read is imported, the rest is named with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main

VLLM = Path(__file__).parents[2] / "data" / "vllm_bench_0.32.0.json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def test_a_file_that_is_not_there_spoils_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.json"
    cut.write_bytes(VLLM.read_bytes()[:900])
    assert main(["import", str(tmp_path / "none.json"), str(cut), str(VLLM), "--json"]) == 1
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert len(document["runs"]) == 1
    assert {Path(one["file"]).name: one["code"] for one in document["refused"]} == {
        "cut.json": "not_json",
        "none.json": "unreadable",
    }
    assert "none.json: Cannot be read: No such file or directory" in told.err


def test_nothing_at_all_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path / "none.json")]) == 2
    assert "nothing to import" in capsys.readouterr().err
