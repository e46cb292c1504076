"""``seatrial eval`` as a pipeline runs it: a real EvalScope, the simulated vLLM, no worker beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.servers import ROOT
from tests.live.test_cli_bench import home, run
from tests.simulated import simulated

__all__ = ["home"]
pytestmark = pytest.mark.real

QUICK = ("--ttft-ms", "5", "--itl-ms", "1")
FIGURES = {"dataset", "subset", "metric", "score", "n", "ci95", "truncated", "overflow", "errored"}


def test_an_evaluation_in_one_document(home: Path) -> None:
    with simulated(*QUICK) as server:
        url = ("--url", server.base_url, "--model", server.served_name)
        sets = ("--dataset", "arithmetic:en", "--dataset", "logic:en,zh", "--limit", "8")
        code, found, _ = run(home, "eval", *url, *sets)
        assert code == 0 and found["run_id"]
        named = [(row["dataset"], row["subset"]) for row in found["scores"]]
        assert named[0] == ("arithmetic", None), "the whole dataset comes first"
        assert ("logic", None) in named and {("logic", "en"), ("logic", "zh")} <= set(named)
        for row in found["scores"]:
            assert set(row) >= FIGURES
            low, high = row["ci95"]
            assert 0 <= low <= row["score"] <= high <= 1 and row["n"] == (
                16 if row["subset"] is None and row["dataset"] == "logic" else 8
            )
        code, found, _ = run(home, "eval", *url, "--dataset", "nothing-of-that-name")
        assert code == 2 and found["error"]["findings"][0]["field"] == "datasets"
        code, found, _ = run(home, "eval", *url, "--dataset", "logic:fr")
        assert code == 2


def test_what_can_be_asked_in_one_document(home: Path) -> None:
    code, found, _ = run(home, "eval", "--list")
    by_key = {row["key"]: row for row in found["datasets"]}
    assert code == 0 and len(by_key) > 270
    assert (by_key["arithmetic"]["shipped"], by_key["arithmetic"]["samples"]) == (True, 120)
    assert (by_key["gsm8k"]["shipped"], by_key["gsm8k"]["samples"]) == (False, 1319)


def test_as_many_samples_as_mmlu_has_are_taken_in(tmp_path: Path) -> None:
    """Within 30 s and 100 MB: the script ends with 1 where a limit is missed."""
    argv = [
        sys.executable,
        "scripts/bench_evaluations.py",
        "--evaluations",
        "50",
        "--json",
        str(tmp_path / "found.json"),
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert "ingest_s" in json.dumps(found)
