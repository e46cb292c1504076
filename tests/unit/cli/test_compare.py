"""compare, baseline and gate: what a pipeline reads off them is the exit code and one JSON document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.compare import share_of
from cli.main import main
from core.adapters.database.store import DatabaseStore
from core.domain.workload import Workload
from core.errors import BadInput
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.simulated_runs import sweep


@pytest.fixture(autouse=True)
def home(tmp_path: Path, migrated_cli: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder with four runs: a baseline, an equal one, a slower one and one of another workload."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("SEATRIAL_HOME", str(data))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    (data / "seatrial.db").write_bytes(migrated_cli.read_bytes())


@pytest.fixture(scope="session")
def migrated_cli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    from core.adapters.database.migrations import migrate

    url = read_settings({"SEATRIAL_HOME": str(folder)}).database_url
    migrate(url)
    store = DatabaseStore(url)
    store.endpoints.add(samples.endpoint())
    sweep(store, "run-base", seed=1)
    sweep(store, "run-same", seed=2)
    sweep(store, "run-slow", seed=3, slowdown=1.1)
    points = samples.workload((1, 4, 16)).points
    sweep(store, "run-other", seed=4, workload=Workload(999, 128, points), keep_records=False)
    store.close()
    return folder / "seatrial.db"


def test_the_gate_in_a_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", "run-slow"]) == 2, "no baseline yet"
    assert "seatrial baseline set" in capsys.readouterr().err
    assert main(["baseline", "set", "run-base"]) == 0
    assert main(["gate", "run-same", "--against", "baseline", "--max-regression", "3%"]) == 0
    assert "Noise floor: 1 %, assumed until it is measured." in capsys.readouterr().err
    assert main(["gate", "run-slow", "--max-regression", "3%", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["outcome"] == "worse"
    assert {one["figure"] for one in document["offenders"]} == {"output_tokens_per_s", "ttft_mean", "tpot_mean"}
    assert main(["gate", "run-slow", "--against", "run-same", "--max-regression", "20%"]) == 0
    assert main(["gate", "run-other", "--against", "run-base"]) == 2, "not the same question"
    assert main(["gate", "run-none"]) == 2, "1 would say that it is worse"
    assert main(["gate", "run-base"]) == 2
    assert main(["gate", "run-slow", "--max-regression", "much"]) == 2


def test_compare_prints_a_sentence_a_table_a_document_or_writes_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["compare", "run-base", "run-slow"]) == 0
    written = capsys.readouterr().out
    assert "over 3 loads: output tokens per second −" in written
    assert "95 % CI" in written
    assert main(["compare", "run-base", "run-slow", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["baseline"]["run_id"] == "run-base"
    assert document["candidates"][0]["verdict"] == "worse"
    pooled = next(one for one in document["candidates"][0]["figures"] if one["load"] is None)
    assert pooled["low"] < pooled["change"] < pooled["high"] < 0
    assert main(["compare", "run-base", "run-slow", "--csv"]) == 0
    assert capsys.readouterr().out.startswith("baseline_run_id,baseline,run_id,candidate,verdict")
    assert main(["compare", "run-base", "run-slow", "--markdown"]) == 0
    assert "| :--- | ---: |" in capsys.readouterr().out
    assert main(["compare", "run-base", "run-slow", "--html", str(tmp_path / "c.html")]) == 0
    assert (tmp_path / "c.html").read_text(encoding="utf-8").count("<main lang=") == 2
    assert main(["compare", "run-base", "run-slow", "--html", str(tmp_path)]) == 1
    assert main(["compare", "run-base"]) == 2
    assert main(["compare", "run-base", "run-none"]) == 2


def test_baselines_are_shown_and_unset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "show"]) == 0
    assert "No baseline" in capsys.readouterr().out
    assert main(["baseline", "show", "run-base"]) == 1
    assert main(["baseline", "set", "run-base"]) == 0
    capsys.readouterr()
    assert main(["baseline", "show", "run-slow", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["baseline"]["run_id"] == "run-base"
    assert main(["baseline", "unset", "run-same"]) == 0
    capsys.readouterr()
    assert main(["baseline", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"baselines": []}


@pytest.mark.parametrize(("text", "share"), [("3%", 0.03), ("2.5 %", 0.025), ("0.03", 0.03), ("0", 0.0)])
def test_limits(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "three", "-1%", "100%", "nan", "5"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(BadInput):
        share_of(text)
