"""A comparison in words, tables and charts, in both languages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from core.domain.benchmark import RequestCounts
from core.domain.comparing import compare
from core.domain.comparison import FIGURES, POOLED, Call, Comparison, Evidence, Noise, Verdict
from core.domain.config_diff import config_diff
from core.domain.pareto import frontier
from core.domain.run_identity import NOT_LIKE_FOR_LIKE
from core.domain.version import version_of
from core.domain.workload import Workload
from render.charts import Axis
from render.charts.changes import changes, on_frontier, overlaid
from render.charts.theme import BASELINE
from render.comparison_files import comparison_csv, comparison_parquet
from render.comparison_tables import change_table, comparison_document, comparison_markdown, config_table
from render.comparisons import answers, basis, caution, names, noise_line, signed
from render.texts import Texts
from tests.fakes import samples
from tests.fakes.simulated_runs import sweep

EN, ZH = Texts("en"), Texts("zh")
TOOL = "seatrial 0.1.0"


def side(run_id: str, seed: int, label: str, **changes: Any) -> Evidence:
    run, found = sweep(None, run_id, seed=seed, version_label=label, **changes)
    return Evidence(run, version_of(run), found)


def compared(*sides: Evidence, noise: Noise | None = None) -> Comparison:
    return compare(sides[0], sides[1:], noise or Noise())


@pytest.fixture(scope="module")
def slower() -> Comparison:
    return compared(side("run-1", 1, "R1"), side("run-2", 2, "0528", slowdown=1.1))


def test_the_sentence_names_change_interval_and_loads(slower: Comparison) -> None:
    (said,) = answers(slower, EN)
    assert said.startswith("0528 against R1, over 3 loads: output tokens per second −")
    assert said.count("95 % CI") == 1
    assert said.count(" to ") == 4, "three intervals, and the name of a figure"
    (said,) = answers(slower, ZH)
    assert said.startswith("0528 对比 R1，3 个负载平均：每秒输出词元 −")


def test_equal_versions_are_unchanged_within_noise() -> None:
    found = compared(side("run-1", 3, "R1"), side("run-2", 4, "R1", created_at=samples.NOW + timedelta(1)))
    (said,) = answers(found, EN)
    assert said.count("unchanged within noise") == 3
    assert said.startswith("R1 (3 Jan 2026 03:04) against R1 (2 Jan 2026 03:04)"), "equal labels are told apart by date"


def test_a_load_that_goes_the_other_way_is_named() -> None:
    before, after = side("run-1", 5, "a", slowdown=1.0), side("run-2", 6, "b", slowdown=0.9)
    turned = [
        replace(m, output_tokens_per_s=m.output_tokens_per_s * (0.7 if m.concurrency == 16 else 1.0))
        for m in after.measurements
    ]
    found = compared(before, replace(after, measurements=tuple(turned)))
    (said,) = answers(found, EN)
    assert "At 16 concurrent: output tokens per second −" in said


def test_what_cannot_be_compared_says_why() -> None:
    other = side("run-2", 2, "b", workload=replace(samples.workload((1, 4, 16)), input_tokens=1024))
    (said,) = answers(compared(side("run-1", 1, "a"), other), EN)
    assert said == "b and a cannot be compared like for like: input length 128 against 1,024 tokens."
    (said,) = answers(
        compared(side("run-1", 1, "a", concurrencies=(1,)), side("run-2", 2, "b", concurrencies=(2,))), ZH
    )
    assert "没有双方都测过的负载" in said


def test_doubts_are_said_aloud(slower: Comparison) -> None:
    doubtful = compared(side("run-1", 1, "a"), side("run-2", 1, "b"))
    assert caution(doubtful.pairs[0], EN) == (
        "Read it with care: the same prompts (seed 1), which a prefix cache may have answered."
    )
    assert caution(slower.pairs[0], EN) is None
    assert "assumed" in basis(slower.pairs[0], EN)[1]
    measured = Noise({figure.id: 0.004 for figure in FIGURES}, ("run-9",))
    assert "0.4 %" in noise_line(measured, EN)


@pytest.mark.parametrize("t", [EN, ZH])
def test_every_field_of_a_workload_every_call_and_verdict_has_words(t: Texts) -> None:
    asked = {field.name for field in fields(Workload)} - NOT_LIKE_FOR_LIKE
    assert [name for name in asked if not t.has(f"likeness.{name}")] == []
    assert [one for one in Call if not t.has(f"call.{one}")] == []
    assert [one for one in Verdict if not t.has(f"verdict.{one}")] == []
    assert [one.id for one in FIGURES if not t.has(f"figure.{one.id}") or not t.has(f"figure_head.{one.id}")] == []


def test_the_best_of_several_is_named_or_that_none_is(slower: Comparison) -> None:
    base, worse = slower.baseline, slower.pairs[0].candidate
    better = side("run-3", 3, "new", slowdown=0.9)
    assert answers(compared(base, worse, better), EN)[-1].startswith("Most output of the 2: new, output tokens")
    assert answers(compared(base, worse, side("run-4", 4, "old", slowdown=1.1)), EN)[-1].startswith("None of the 2")


def test_labels_that_clash_are_told_apart() -> None:
    twins = [side(f"run-{n}00000{n}", n, "R1") for n in (1, 2)]
    assert len(set(names(twins, EN).values())) == 2
    models = [side("run-1", 1, "x"), side("run-2", 2, "x", model="other")]
    assert list(names(models, EN).values()) == ["tiny x", "other x"]


@pytest.mark.parametrize(
    ("share", "text"), [(0.112, "+11"), (-0.0043, "−0.4"), (0.0, "±0.0"), (0.0996, "+10"), (1.5, "+150")]
)
def test_changes_have_two_figures(share: float, text: str) -> None:
    assert signed(share) == f"{text}\N{NO-BREAK SPACE}%"


def test_the_table_has_a_column_a_load(slower: Comparison) -> None:
    table = change_table(slower.pairs[0], EN)
    assert list(table.columns) == ["Figure", "All loads", "1 concurrent", "4 concurrent", "16 concurrent"]
    assert table.columns["All loads"][0].endswith("worse")


def test_markdown_and_json_hold_names_as_text_alone(slower: Comparison) -> None:
    evil = side("run-3", 3, "<b>x</b>|*y*", slowdown=1.1)
    found = compared(slower.baseline, evil)
    config = config_diff([one.run for one in found.sides])
    text = comparison_markdown(found, config, EN)
    assert "<b>" not in text.replace("\\<", "")
    document = json.loads(json.dumps(comparison_document(found, config, EN), allow_nan=False))
    assert document["candidates"][0]["version"]["label"] == "<b>x</b>|*y*"
    assert document["baseline"]["tool"] == document["candidates"][0]["tool"] == TOOL


def test_a_comparison_as_csv_and_parquet(slower: Comparison) -> None:
    evil = side("run-3", 3, "=cmd|x", slowdown=1.1)
    found = compared(slower.baseline, evil)
    lines = list(csv.DictReader(io.StringIO(comparison_csv(found, EN))))
    rows = pq.read_table(io.BytesIO(comparison_parquet(found, EN))).to_pylist()
    assert len(lines) == len(rows) == len(found.pairs[0].cells)
    pooled = next(one for one in lines if one["figure"] == "output_tokens_per_s" and one["load"] == "all")
    assert (pooled["candidate"], pooled["call"], pooled["concurrency"]) == ("'=cmd|x", "worse", "")
    assert float(pooled["change_low"]) < float(pooled["change"]) < float(pooled["change_high"]) < 0
    tail = next(one for one in lines if one["figure"] == "ttft_p99" and one["concurrency"] == "16")
    assert (tail["change"], tail["n_baseline"]) == ("", tail["n_candidate"])
    assert set(lines[0]) == set(rows[0])
    assert {(one["baseline_tool"], one["candidate_tool"]) for one in lines} == {(TOOL, TOOL)}, "named with its version"


def test_configuration_side_by_side() -> None:
    def run(tokens: str, **env: str) -> Evidence:
        spec = {"image": "vllm:1", "command": ["vllm", "serve", "/w", "--max-model-len", tokens, "--eager"], "env": env}
        return side(
            f"run-{tokens}", 1, tokens, provenance={"container_spec": spec, "image_digest": "sha256:" + "a" * 64}
        )

    found = compared(run("4096", A="1"), run("8192"))
    rows = config_diff([one.run for one in found.sides])
    differing = {row.key: row.values for row in rows if row.differs}
    assert differing == {
        "version_label": ("4096", "8192"),
        "--max-model-len": ("4096", "8192"),
        "env A": ("1", None),
    }
    assert next(row for row in rows if row.key == "--eager").values == ("on", "on")
    assert config_table(rows, found, ZH).columns["配置项"][0] == "模型"


# ------------------------------------------------------------ charts


def test_the_curves_lie_over_one_another_the_baseline_grey(slower: Comparison) -> None:
    figure = overlaid(slower, EN, x=Axis("ttft_p50"), y=Axis("output_tokens_per_s"))
    candidate, base, rings = figure.data
    assert (candidate.name, base.name) == ("0528", "R1")
    assert (base.line.color, base.line.dash) == (BASELINE, "dash")
    assert candidate.line.color is None, "from the palette of the reader's theme"
    assert len(rings.x) == 3
    shifts = sorted(label.y * 330 / max(base.y) + (label.yshift or 0) for label in figure.layout.annotations)
    assert shifts[1] - shifts[0] > 14, "names do not lie over one another"


def test_the_frontier_is_the_faster_ones(slower: Comparison) -> None:
    found = on_frontier(slower, Axis("ttft_p50"), Axis("output_tokens_per_s"), EN)
    assert {curve.name for curve, _ in found} == {"R1"}


def test_a_point_that_failed_too_often_is_on_no_frontier(slower: Comparison) -> None:
    fastest = max(slower.baseline.measurements, key=lambda one: one.output_tokens_per_s)
    broken = replace(fastest, requests=RequestCounts(100, 92))
    rest = tuple(one for one in slower.baseline.measurements if one is not fastest)
    found = replace(slower, baseline=replace(slower.baseline, measurements=(*rest, broken)))
    kept = on_frontier(found, Axis("ttft_p50"), Axis("output_tokens_per_s"), EN)
    assert broken not in [point.first for _, point in kept]
    assert "x" in [
        line.marker.symbol for line in overlaid(found, EN, x=Axis("ttft_p50"), y=Axis("output_tokens_per_s")).data
    ]


@pytest.mark.parametrize(
    ("points", "kept"),
    [
        ([], ()),
        ([(1.0, 1.0)], (0,)),
        ([(1.0, 1.0), (2.0, 2.0), (3.0, 1.5)], (0, 1)),
        ([(2.0, 2.0), (1.0, 2.0)], (1,)),
        ([(1.0, 1.0), (1.0, 2.0)], (1,)),
    ],
)
def test_the_pareto_frontier(points: Sequence[tuple[float, float]], kept: tuple[int, ...]) -> None:
    assert frontier(points) == kept


def test_changes_by_load_with_interval_and_noise_band(slower: Comparison) -> None:
    chart = changes(slower, FIGURES[0], EN)
    (line,) = chart.data
    assert len(line.x) == 4
    assert all(value < 0 for value in line.x)
    assert all(width > 0 for width in line.error_x.array)
    assert chart.layout.yaxis.ticktext[0] == "All loads"
    assert chart.layout.xaxis.title.text == "Output tokens/s (%)  better →"
    assert (chart.layout.shapes[0].x0, chart.layout.shapes[0].x1) == (-1.0, 1.0)
    latency = changes(slower, FIGURES[1], ZH)
    assert latency.layout.xaxis.title.text.endswith("← 更好")


def test_within_noise_is_grey_and_hollow() -> None:
    found = compared(side("run-1", 3, "a"), side("run-2", 4, "b"))
    assert {cell.call for cell in found.pairs[0].cells if cell.change} <= {Call.NOISE, Call.UNCLEAR}
    (line,) = changes(found, FIGURES[0], EN).data
    assert line.marker.color == line.error_x.color == BASELINE
    assert set(line.marker.symbol) == {"circle-open"}
    assert found.pairs[0].cell(FIGURES[0], POOLED) is not None
