"""A run as CSV, Parquet and Markdown."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from core.domain.benchmark import ClientHealth, Engine, RunRow, RunState, tool_words
from core.domain.config_diff import config_diff
from core.services.results import RunDetail
from render.client_words import client_lines
from render.documents import points_csv, points_parquet, run_markdown, runs_csv
from render.guide import FIGURES, guide_table
from render.provenance import provenance_facts
from render.report import run_report
from render.texts import LANGUAGES, Texts
from render.workload_words import workload_words
from tests.fakes import samples


def detail(*changes: dict[str, Any], **run: Any) -> RunDetail:
    measured = tuple(samples.measurement(index, concurrency=16, **change) for index, change in enumerate(changes))
    return RunDetail(samples.run(**run), measured, 2, (), None)


def test_csv_and_parquet_say_the_same() -> None:
    shown = detail({}, {"ttft_ms": None, "rate_per_s": 2.5})
    lines = list(csv.DictReader(io.StringIO(points_csv(shown))))
    rows = pq.read_table(io.BytesIO(points_parquet(shown))).to_pylist()
    assert [line["ttft_p50_ms"] for line in lines] == ["200.0", ""]
    assert [row["ttft_p50_ms"] for row in rows] == [200.0, None]
    assert [row["run_id"] for row in rows] == ["run-1", "run-1"]
    assert set(lines[0]) <= set(rows[0])


def test_a_points_line_holds_what_is_needed_to_believe_it() -> None:
    counted = {"num_preemptions_total": 2.0, "kv_cache_usage_max": 0.5}
    health = ClientHealth(2, 1.5, 0.4, 1.2, 0.31)
    named = {"tool": "vllm bench serve", "tool_version": "0.32.0", "seed": 9, "client": health}
    shown = detail({"server_metrics": counted, "warnings": ("sent_late", "no_usage"), **named}, {})
    first, second = csv.DictReader(io.StringIO(points_csv(shown)))
    assert (first["tool"], first["tool_version"], first["seed"]) == ("vllm bench serve", "0.32.0", "9")
    assert (first["warnings"], first["client_host_cpu_share"]) == ("sent_late; no_usage", "0.31")
    assert (first["server_num_preemptions_total"], first["server_kv_cache_usage_max"]) == ("2.0", "0.5")
    assert (second["server_kv_cache_usage_max"], second["client_host_cpu_share"]) == ("", "")
    rows = pq.read_table(io.BytesIO(points_parquet(shown))).to_pylist()
    assert (rows[0]["server_kv_cache_usage_max"], rows[1]["tool_version"]) == (0.5, "0.1.0")


def test_what_the_measuring_machine_did_is_told_as_far_as_it_is_known() -> None:
    t = Texts("en")
    assert list(client_lines(ClientHealth(1, None, None, None, None), t)) == []
    assert list(client_lines(ClientHealth(1, None, None, None, 0.31), t)) == [
        "The measuring machine's processors were 31.0 % busy."
    ]
    *_, said = client_lines(ClientHealth(2, 1.5, 0.4, 1.2, 0.31, 0.2), t)
    assert said == "The measuring machine's processors were 31.0 % busy; other work than measuring took 20.0 %."


def test_a_run_tells_what_it_remembers_of_the_machine_and_what_was_accepted() -> None:
    accepted = {"code": "bench_over_concurrency", "field": "concurrency"}
    told = {
        "weights_fingerprint": "sha256:77",
        "profile": "deepseek-r1.tp32",
        "profile_revision": "a1",
        "platform": "va16",
        "device_kind": "/dev/va*",
        "devices": 32,
        "driver": "1.0",
        "accepted": [{**accepted, "params": {"concurrency": 16, "limit": 4, "profile": "deepseek-r1.tp32"}}],
    }
    shown = detail({}, provenance=told)
    facts = dict(provenance_facts(shown.run, shown.measurements, Texts("en")))
    assert (facts["weights_fingerprint"], facts["driver"]) == ("sha256:77", "1.0")
    assert (facts["platform"], facts["devices"], facts["profile"]) == ("va16", "/dev/va* x 32", "deepseek-r1.tp32 (a1)")
    assert "16" in facts["accepted"]
    report = run_report(shown, Texts("en"))
    assert facts["accepted"] in report
    assert "/dev/va* x 32" in report
    bare = detail({})
    assert not {"platform", "accepted"} & dict(provenance_facts(bare.run, bare.measurements, Texts("zh"))).keys()


def test_sampling_is_told_whole_and_never_made_up() -> None:
    drawn = samples.workload(temperature=0.7, top_p=0.9, top_k=40)
    assert workload_words(drawn, Texts("en")).endswith("temperature 0.7 · top-p 0.9 · top-k 40")
    unknown = detail({}, provenance={"imported": {"sampling_known": False}})
    facts = dict(provenance_facts(unknown.run, unknown.measurements, Texts("en")))
    assert "sampling unknown" in facts["workload"]
    assert "greedy" not in run_markdown(unknown, Texts("en"))


def test_every_figure_is_named_with_the_tool_that_made_it() -> None:
    """A container's own client tells its version only when it has measured."""
    told = {"tool": "vllm-bench", "tool_version": None}
    changes = [{"tool": f"{name} bench serve", "tool_version": "0.33.0"} for name in ("vllm-rs", "vllm")]
    shown = detail(*changes, engine=Engine.VLLM_BENCH, provenance=told)
    words = "vllm bench serve 0.33.0, vllm-rs bench serve 0.33.0"
    assert words in run_markdown(shown, Texts("en"))
    assert ("tool", words) in provenance_facts(shown.run, shown.measurements, Texts("en"))
    assert words in run_report(shown, Texts("en"))
    facts = {row.key: row.values for row in config_diff([shown.run], [tool_words(shown.run, shown.measurements)])}
    assert facts["tool"] == (words,)
    assert tool_words(shown.run, ()) == "vllm-bench"


def test_a_list_of_runs_as_csv_holds_no_formula() -> None:
    row = RunRow(
        "run-1",
        "=cmd|x",
        "W8A8",
        "attached",
        "seatrial",
        RunState.COMPLETE,
        samples.NOW,
        "li",
        128,
        None,
        1,
        2,
        9.5,
        None,
    )
    (line,) = csv.DictReader(io.StringIO(runs_csv([replace(row, tags=("nightly", "driver 550"))])))
    assert (line["model"], line["tags"], line["output_tokens"]) == ("'=cmd|x", "nightly; driver 550", "")
    assert (line["state"], line["created_at"]) == ("complete", samples.NOW.isoformat())


@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_for_a_chat_takes_words_for_text(language: str) -> None:
    text = run_markdown(detail({}, {}, model="a*b|<c>", tags=()), Texts(language), "http://x/run?id=1")
    first, *_ = text.splitlines()
    assert first.startswith(r"**a\*b\|\<c\> W8A8**")
    assert text.count("\n| ---: ") == 1
    assert "1,966" in text
    assert text.rstrip().endswith("http://x/run?id=1")


def test_the_guides_eleven_figures_have_names_and_meanings() -> None:
    t = Texts("en")
    table = guide_table(detail({}, {}).measurements, t)
    figures, meanings, first, second = table.columns.values()
    assert len(FIGURES) == len(figures) == len(set(figures)) == len(set(meanings)) == 11
    assert list(table.columns)[2:] == ["16", "16′"]
    assert dict(zip(figures, first, strict=True))["Total token throughput (tokens/s)"] == "3,932"
    assert first == second
    assert not any(key in " ".join([*figures, *meanings]) for key in ("guide.", "–"))
