"""What a run says in a sentence, in a table and as a document."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from core.domain.benchmark import Measurement, RequestCounts, RunState
from core.domain.metrics import WARNINGS
from core.services.results import RunDetail
from render.answers import run_answer, warning_lines
from render.documents import points_csv, run_document
from render.tables import failure_lines, markdown, percentile_table
from render.texts import LANGUAGES, Texts
from tests.fakes import samples
from tests.fakes.samples import distribution

EN, ZH = Texts("en"), Texts("zh")


def point(index: int, concurrency: int, ttft_ms: float, rate: float, repeat: int = 0, n: int = 192) -> Measurement:
    return samples.measurement(
        index, repeat, concurrency=concurrency, ttft_ms=distribution(ttft_ms, n), output_tokens_per_s=rate
    )


def detail(*measurements: Measurement, state: RunState = RunState.COMPLETE, total: int = 3) -> RunDetail:
    return RunDetail(samples.run(state=state), measurements, total, (), None)


SWEEP = (point(0, 1, 200.0, 49.0), point(1, 16, 210.0, 770.0), point(2, 64, 420.0, 700.0))


def test_the_answer_names_the_best_rate_and_what_the_first_token_cost() -> None:
    said = run_answer(detail(*SWEEP), EN)
    assert said == (
        "Output up to 770 tok/s, at 16 concurrent. Median time to first token: 200 ms at 1 concurrent, "
        "210 ms at 16 concurrent. No request failed."
    )


def test_a_single_point_tells_its_sample_count() -> None:
    assert "(n = 192)" in run_answer(detail(SWEEP[0]), EN)


def test_a_partial_run_says_so_first() -> None:
    assert run_answer(detail(*SWEEP[:2], state=RunState.PARTIAL), EN).startswith("Partial: 2 of 3 points.")


def test_repeats_give_the_scatter_of_the_best_rate() -> None:
    said = run_answer(detail(*(point(0, 1, 200.0, rate, n) for n, rate in enumerate((48.0, 50.0, 49.0)))), EN)
    assert "Over 3 repeats the highest rate was 48 tok/s to 50 tok/s." in said


def test_a_point_that_failed_too_often_is_no_answer() -> None:
    broken = replace(point(2, 64, 90.0, 9000.0), requests=RequestCounts(100, 92))
    assert run_answer(detail(*SWEEP[:2], broken), EN).startswith("Output up to 770 tok/s, at 16 concurrent.")
    said = run_answer(detail(broken), EN)
    assert said.startswith("At no load did at least 95 % of the requests succeed")
    assert said.endswith("92 of 192 requests failed.")


def test_failures_are_counted_and_nothing_measured_is_not_zero() -> None:
    failing = replace(SWEEP[0], requests=RequestCounts(190, 2, {"timeout": 2}))
    assert "2 of 192 requests failed." in run_answer(detail(failing), EN)
    dead = replace(SWEEP[0], requests=RequestCounts(0, 16, {"connect": 16}), output_tokens_per_s=0.0, ttft_ms=None)
    assert run_answer(detail(dead), EN) == "Every request failed (16)."
    assert run_answer(detail(), EN) == "Nothing is measured yet."
    assert run_answer(detail(state=RunState.FAILED), EN) == "Nothing could be measured."


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_a_row_per_point_and_marks_percentiles_of_few_values(language: str) -> None:
    t = Texts(language)
    table = percentile_table((point(1, 16, 210.0, 770.0), point(0, 1, 200.0, 49.0, n=12)), t)
    assert {len(cells) for cells in table.columns.values()} == {2}
    assert table.columns[t("table.load")] == ("1", "16")
    assert table.has_rough
    heads = list(table.columns)
    assert table.columns[heads[5]] == ("200*", "210")
    assert not percentile_table(SWEEP, t).has_rough


def test_the_table_travels_as_markdown() -> None:
    lines = markdown(percentile_table((point(0, 1, 200.0, 49.0, n=12),), EN)).splitlines()
    assert lines[0].startswith("| Load | OK | Failed |")
    assert set(lines[1]) == set("|-: ")
    assert r"200\*" in lines[2]


def test_the_csv_has_plain_numbers_and_leaves_absent_values_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(points_csv(detail(*SWEEP[:1], replace(SWEEP[1], ttft_ms=None))))))
    assert [row["output_tokens_per_s"] for row in rows] == ["49.0", "770.0"]
    assert [row["ttft_p50_ms"] for row in rows] == ["200.0", ""]
    assert points_csv(detail()) == "\r\n"


def test_failures_are_listed_by_kind_where_there_are_any() -> None:
    failing = replace(SWEEP[1], requests=RequestCounts(190, 3, {"timeout": 1, "http_429": 2}))
    assert failure_lines((SWEEP[0], failing), EN) == ("16 concurrent: 2 × HTTP 429, 1 × Timed out",)
    assert failure_lines((failing,), ZH) == ("并发 16：HTTP 429 × 2、超时 × 1",)


def test_the_document_has_units_in_its_names_and_null_for_absent() -> None:
    told = json.loads(json.dumps(run_document(detail(replace(SWEEP[0], itl_ms=None)))))
    (first,) = told["points"]
    assert first["ttft_ms"]["p50"] == 200.0
    assert first["itl_ms"] is None
    assert first["requests"] == {"succeeded": 192, "failed": 0, "failures": {}}
    assert told["run"]["seed"] == samples.run().seed


def test_every_warning_has_its_sentence() -> None:
    for language in LANGUAGES:
        assert [code for code in WARNINGS if not Texts(language).has(f"warning.{code}")] == []


def test_a_warning_is_said_once_and_names_its_loads() -> None:
    starved = [
        replace(point(index, load, 100.0, 50.0, repeat), warnings=("client_starved",))
        for index, load in enumerate((2, 4))
        for repeat in (0, 1)
    ]
    lines = warning_lines([*starved, point(2, 8, 100.0, 50.0)], EN)
    assert len(lines) == 1
    assert lines[0].startswith("2 concurrent, 4 concurrent: ")
