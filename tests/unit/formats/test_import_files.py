"""Results of other tools: definitions are converted or refused, and what is no result is refused by itself."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.domain.benchmark import Engine
from core.domain.workload import Api, Arrival
from core.formats import import_files
from core.formats.import_files import Found, Refusal, read_results

DATA = Path(__file__).parents[2] / "data"
VLLM = (DATA / "vllm_bench_0.32.0.json").read_bytes()
GUIDELLM = (DATA / "imports" / "guidellm_0.8.1.json").read_bytes()
AIPERF = (DATA / "imports" / "aiperf_0.13.0.json").read_bytes()
EVALSCOPE = {path.name: path.read_bytes() for path in sorted((DATA / "imports" / "evalscope_1.14.1").iterdir())}


def one(*files: tuple[str, bytes]) -> Found:
    found, refused = read_results(files)
    assert refused == ()
    (point,) = found
    return point


def refusal(content: bytes, name: str = "x.json") -> Refusal:
    found, refused = read_results([(name, content)])
    assert found == ()
    return refused[0]


def changed(content: bytes, **values: Any) -> bytes:
    document = json.loads(content) | values
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


def evalscope(**files: bytes) -> list[tuple[str, bytes]]:
    return [(f"out/parallel_16/{name}", files.get(name.split(".")[0], content)) for name, content in EVALSCOPE.items()]


def test_vllm_bench_is_taken_over_whole() -> None:
    point = one(("result.json", VLLM)).point
    assert (point.engine, point.model, point.lengths, point.api) == (
        Engine.VLLM_BENCH,
        "/weights/tiny",
        (128, 64),
        Api.COMPLETIONS,
    )
    found = point.measurement
    assert (found.seed, found.concurrency, found.warnings) == (None, 2, ())
    assert found.tpot_ms is not None
    assert found.tpot_ms.mean == pytest.approx(json.loads(VLLM)["mean_tpot_ms"])
    lines = [json.loads(line) for line in (point.requests or "").splitlines()]
    assert len(lines) == 8
    assert (lines[0]["output_tokens"], lines[0]["failure"]) == (64, None)


def test_vllm_bench_with_a_rate_and_with_a_file_of_several_results() -> None:
    rated = changed(VLLM, request_rate=2.5, max_concurrency=None)
    found, refused = read_results([("all.jsonl", rated + b"\n" + b'{"broken": \n' + VLLM + b"\n[1]\n")])
    assert refused[0].code == "not_json", "an array among the lines: no file of results"
    found, refused = read_results([("all.jsonl", rated + b"\n" + b'{"broken": \n' + VLLM)])
    assert [one.point.point.rate_per_s for one in found] == [2.5, None]
    assert found[0].point.point.arrival is Arrival.POISSON
    assert [(one.code, one.line) for one in refused] == [("not_json", 2)]


def test_guidellm_tells_tpot_under_another_name_and_no_gaps() -> None:
    point = one(("gl.json", GUIDELLM)).point
    found = point.measurement
    assert (point.model, point.api, found.tool_version, found.concurrency) == ("f-t200-p20-c1", Api.CHAT, "0.8.1", 1)
    assert found.ttft_ms is not None
    assert found.tpot_ms is not None
    assert found.e2el_ms is not None
    assert (found.ttft_ms.n, found.ttft_ms.mean) == (4, pytest.approx(203.9, abs=0.01))
    assert (found.tpot_ms.n, found.tpot_ms.mean) == (4, pytest.approx(19.985, abs=0.001)), "not 21.42, its own TPOT"
    assert found.e2el_ms.mean == pytest.approx(2742.6, abs=0.1)
    assert found.itl_ms is None
    assert found.warnings == ("import_no_itl", "import_e2el_stream", "import_tpot_own")
    assert found.output_tokens_per_s == pytest.approx(512 / 10.98944, abs=0.001)


def test_guidellm_without_every_request_has_no_tpot() -> None:
    document = json.loads(GUIDELLM)
    document["benchmarks"][0]["requests"]["successful"].pop()
    found = one(("gl.json", json.dumps(document).encode())).point.measurement
    assert found.tpot_ms is None
    assert found.ttft_ms is not None
    assert "import_no_tpot" in found.warnings


def test_one_bad_benchmark_of_guidellm_spoils_no_other() -> None:
    document = json.loads(GUIDELLM)
    document["benchmarks"].append({"metrics": {}})
    found, refused = read_results([("gl.json", json.dumps(document).encode())])
    assert len(found) == 1
    assert [(one.code, one.params) for one in refused] == [
        ("missing", {"field": "request_totals / successful", "part": 2})
    ]


def test_aiperf_calls_tpot_itl_and_itl_icl() -> None:
    point = one(("profile_export_aiperf.json", AIPERF)).point
    found = point.measurement
    assert found.tpot_ms is not None
    assert found.itl_ms is not None
    assert (found.tpot_ms.n, found.itl_ms.n) == (64, 8128)
    assert found.tpot_ms.max == pytest.approx(20.404, abs=0.001)
    assert found.itl_ms.max == pytest.approx(71.608, abs=0.001)
    assert (found.concurrency, found.requests.succeeded, point.lengths) == (16, 64, (113, 128))
    assert point.command[:2] == ("aiperf", "profile")
    assert (point.temperature, point.ignore_eos) == (None, True)
    assert found.warnings == ("import_tpot_renamed",)
    cut = one(("a.json", changed(AIPERF, was_cancelled=True))).point.measurement
    assert "import_cut_short" in cut.warnings


def test_evalscope_is_three_files_of_one_folder() -> None:
    point = one(*evalscope()).point
    found = point.measurement
    assert (found.concurrency, found.requests.succeeded, found.duration_s) == (16, 64, 11.0125)
    assert found.tpot_ms is not None
    assert found.e2el_ms is not None
    assert (found.tpot_ms.p99, found.tpot_ms.std, found.e2el_ms.p50) == (20.0373, None, pytest.approx(2750.3))
    assert found.itl_ms is None
    assert (point.base_url, point.temperature) == ("http://127.0.0.1:18101/v1", 0.0)
    found_two, refused = read_results([*evalscope(), ("b/benchmark_summary.json", EVALSCOPE["benchmark_summary.json"])])
    assert len(found_two) == 1
    assert [(one.file, one.code) for one in refused] == [("b/benchmark_summary.json", "evalscope_incomplete")]


def test_a_folder_may_come_as_an_archive() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in evalscope():
            archive.writestr(name, content)
        archive.writestr("out/benchmark.log", "text")
    assert one(("out.zip", packed.getvalue())).point.engine is Engine.EVALSCOPE_PERF
    assert refusal(packed.getvalue()[:200], "cut.zip").code == "bad_archive"


def test_a_damaged_file_in_an_archive_spoils_no_other() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:  # not compressed: the bytes stand in it as they are
        archive.writestr("a.json", b'{"damaged": "here"}')
        archive.writestr("b.json", VLLM)
    found, refused = read_results([("out.zip", packed.getvalue().replace(b"here", b"now!"))])
    assert [one.point.engine for one in found] == [Engine.VLLM_BENCH]
    assert [(one.file, one.code) for one in refused] == [("out.zip/a.json", "bad_archive")]


@pytest.mark.parametrize("sentinel", [-1000, -1, "NaN", "Infinity", None])
def test_a_value_that_stands_for_nothing_is_nothing(sentinel: Any) -> None:
    rows = json.loads(EVALSCOPE["benchmark_percentile.json"])
    for row in rows:
        row["TTFT (ms)"] = sentinel
    text = json.dumps(rows).replace('"NaN"', "NaN").replace('"Infinity"', "Infinity")
    found = one(*evalscope(benchmark_percentile=text.encode())).point.measurement
    assert found.ttft_ms is None
    assert found.tpot_ms is not None


def test_nan_inside_a_vllm_result_is_refused() -> None:
    broken = VLLM.replace(b'"duration": 0.7734309749999966', b'"duration": NaN')
    assert refusal(broken).code == "not_understood"
    negative = changed(VLLM, ttfts=[-1000.0] * 8)
    assert refusal(negative).code == "not_understood"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "not_text"),
        (b'{"completed": 3, "output_', "not_json"),
        (VLLM[:2000], "not_json"),
        (b'{"a": 1}', "foreign"),
        (b"[]", "foreign"),
        (b"null", "foreign"),
        (b"<html></html>", "not_json"),
        (b'{"question": 1}\n{"question": 2}\n', "foreign"),
        (b"[" * 100_000, "not_json"),
        (b'{"metadata": {}, "benchmarks": []}', "empty"),
        (b'{"metadata": {}, "benchmarks": [1]}', "missing"),
        (b'{"aiperf_version": "0.13.0"}', "missing"),
        (changed(VLLM, duration=0), "no_duration"),
        (changed(VLLM, model_id=...), "missing"),
        (changed(AIPERF, benchmark_duration={"unit": "sec", "avg": 0}), "no_duration"),
    ],
)
def test_what_is_no_result(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_truncated_file_is_refused_with_its_line() -> None:
    assert refusal(GUIDELLM[:3000]).line == GUIDELLM[:3000].count(b"\n") + 1


def test_a_huge_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "FILE_LIMIT_BYTES", 1000)
    assert refusal(VLLM).code == "too_large"


@pytest.mark.parametrize(
    "values",
    [
        {"max_concurrency": 1e300},
        {"total_input_tokens": 1e300},
        {"num_prompts": 2**31},
        {"duration": 1e10},
    ],
)
def test_what_no_tool_can_have_counted_is_refused(values: dict[str, Any]) -> None:
    assert refusal(changed(VLLM, **values)).code == "bad_number"


def test_numbers_beyond_every_float_are_refused() -> None:
    assert refusal(changed(VLLM, completed=10**400)).code == "not_understood"
    assert refusal(changed(VLLM, output_lens=[10**400] * 8)).params == {
        "detail": f"of a request: {str(10**400)[:40]} is no number"
    }
    summary = changed(EVALSCOPE["benchmark_summary.json"], **{"Avg Input Tokens": 1e308})
    _, refused = read_results(evalscope(benchmark_summary=summary))
    assert [one.code for one in refused] == ["not_understood"]


def test_half_a_character_and_nul_are_not_carried_on() -> None:
    named = one(("x.json", changed(VLLM, model_id="a\0b\ud800", errors=["\udfff"] + [""] * 7))).point
    assert named.model == "ab?"
    assert (named.requests or "").encode()


def test_a_date_that_no_run_can_have_is_unknown() -> None:
    far = one(("x.json", changed(VLLM, date="9999-12-31T23:59:59"))).point.measurement
    assert far.started_at.year == 1970


def test_a_benchmark_of_guidellm_with_the_wrong_types_spoils_no_later_one() -> None:
    document = json.loads(GUIDELLM)
    document["benchmarks"].insert(0, document["benchmarks"][0] | {"requests": {"successful": 3}})
    found, refused = read_results([("gl.json", json.dumps(document).encode())])
    assert len(found) == 1
    assert [(one.code, (one.params or {})["part"]) for one in refused] == [("not_understood", 1)]
