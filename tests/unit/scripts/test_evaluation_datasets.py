"""EvalScope's list of benchmarks, as the installed package tells it."""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path

from scripts.evaluation_datasets import OUT, entries

FOLDER = Path(str(distribution("evalscope").locate_file("evalscope"))) / "benchmarks"


def test_the_file_is_what_the_installed_package_says() -> None:
    assert json.loads(OUT.read_text(encoding="utf-8"))["datasets"] == list(entries(FOLDER))


def test_a_judge_is_needed_where_the_adapter_scores_by_no_rule() -> None:
    needs = {entry["key"]: entry["needs"] for entry in entries(FOLDER)}
    judged = [key for key in ("simple_qa", "aa_lcr", "alpaca_eval", "phyx_oe", "phyx_mc") if "judge" in needs[key]]
    assert judged == ["simple_qa", "aa_lcr", "alpaca_eval", "phyx_oe"]
