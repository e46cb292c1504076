"""``seatrial eval import`` and ``seatrial leaderboard``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from tests.fakes.evalscope_tree import Answers, write_tree


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)


def test_what_was_made_elsewhere_stands_on_the_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tree(tmp_path / "out", "m", {"gsm8k": {"main": Answers(60, 45)}})
    assert main(["eval", "import", str(folder), "--label", "W8A8", "--json"]) == 0
    (taken,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert (taken["model"], taken["datasets"], taken["new"]) == ("m", ["gsm8k"], True)
    assert main(["leaderboard", "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    (row,) = board["rows"]
    assert (row["rank"], row["run_id"], row["version_label"], row["score"]) == (1, taken["run_id"], "W8A8", 0.75)
    assert row["ci95"] == pytest.approx([0.6277, 0.8422], abs=1e-4)
    assert board["conditions"]["limit"] == ""
    assert main(["leaderboard", "--dataset", "gsm8k"]) == 0
    assert "only m W8A8 was evaluated under these conditions: 75.0 %" in capsys.readouterr().out
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert "None" not in listed
    assert [word in listed for word in ("m W8A8", "gsm8k", "75.0 %")] == [True, True, True]


def test_an_empty_leaderboard_and_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard"]) == 0
    assert capsys.readouterr().out == "Nothing was evaluated yet.\n"
    assert main(["eval", "import", str(tmp_path)]) == 2
    assert "holds no EvalScope output" in capsys.readouterr().err
