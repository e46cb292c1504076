"""What `make bench` says of its own figures: limits set the exit code, and one miss never ends the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.bench import main
from scripts.bench_fidelity import PLAIN, TOUGH, Figures, Row, judge, shortest_s
from scripts.measured import Figure, conclude, figures

KEPT = Figures(0.2, 0.01, 0.5, 99.6, 3.0, 0.1, 200.4, 0, 0, 0.02)


def test_a_missed_limit_is_named_and_sets_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures({"web_rss_mib": 251.0, "start_s": 2.0, "cases": 7.0}, {"web_rss_mib": 250.0, "start_s": 3.0})
    assert conclude(found, tmp_path / "new" / "file.json", repeats=5) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if "MISSED" in line] == ["web_rss_mib"]
    document = json.loads((tmp_path / "new" / "file.json").read_text())
    assert document["repeats"] == 5 and document["cpus"] and document["at"] and document["load_average"]
    assert [row["holds"] for row in document["figures"]] == [False, True, True]
    assert conclude([Figure("start_s", 3.0, 3.0)], None) == 0


def test_a_limit_of_what_was_not_measured_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        figures({"start_s": 1.0}, {"strat_s": 3.0})


def test_every_bench_runs_and_the_misses_are_told_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, code in (("a", 1), ("b", 0), ("c", 1)):
        text = f"import pathlib, sys; pathlib.Path(sys.argv[-1]).write_text('{{}}'); sys.exit({code})"
        (tmp_path / f"bench_{name}.py").write_text(text)
    out = tmp_path / "build"
    assert main(out, [("a",), ("b",), ("c",)], tmp_path) == 1
    assert sorted(file.name for file in out.iterdir()) == ["a.json", "b.json", "c.json"]
    assert "A limit was missed: a, c" in capsys.readouterr().out
    assert main(out, [("b",)], tmp_path) == 0


def test_a_client_that_counts_other_failures_than_the_server_misses_a_limit() -> None:
    right = replace(KEPT, failed=10, failed_truly=10)
    wrong = replace(KEPT, failed=9, failed_truly=10)
    rows = [Row("c", "seatrial", 64, right, [right] * 3), Row("c", "seatrial", 64, right, [right, wrong, right])]
    judge(rows)
    assert [row.misses for row in rows] == [[], ["failures"]]


def test_what_is_possible_follows_from_what_the_server_did() -> None:
    """Two streams, requests of 2, 1, 1 and 2 seconds, each begun as soon as a stream is free: over after 4."""
    assert shortest_s([2.0, 1.0, 1.0, 2.0], 2) == pytest.approx(4.0)
    dropping = next(case for case in TOUGH if case.fails)
    truth: dict[str, Any] = {"requests": 4, "refused": 1, "dropped": 1, "services_s": [2.0, 1.0, 1.0, 2.0]}
    assert dropping.possible_tokens_per_s(2, truth) == pytest.approx(2 * 128 / 4.0)
    assert PLAIN.possible_tokens_per_s(1, truth) == pytest.approx(128 / 2.74)
