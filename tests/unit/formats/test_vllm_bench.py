"""``vllm bench serve``: arguments, progress, and a recorded result of vLLM 0.32."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.domain.seeds import warmup_seed
from core.domain.workload import Api, Arrival, LoadPoint, Spread, Workload
from core.errors import BadInput, OutputNotUnderstood
from core.formats import vllm_bench
from core.formats.vllm_bench import (
    BenchTarget,
    Origin,
    argv,
    failure_kind,
    parse_result,
    progress,
    request_lines,
    warmup_argv,
)
from tests.guide import BENCH, shell_words

RECORDED_RUST = (Path(__file__).parents[2] / "data" / "vllm_rs_bench_0.33.0.json").read_bytes()
RECORDED = (Path(__file__).parents[2] / "data" / "vllm_bench_0.32.0.json").read_bytes()
TARGET = BenchTarget("/weights/DeepSeek-R1-0528", "DeepSeek-R1-0528", 8000)
POINT = LoadPoint(2, concurrency=2, requests=8)
ORIGIN = Origin(POINT, 1, 77, datetime(2026, 1, 2, tzinfo=UTC), "0.32.0")


def words(point: LoadPoint, workload: Workload | None = None, target: BenchTarget = TARGET) -> tuple[str, ...]:
    workload = workload or Workload(128, 1024, (point,))
    return argv(target, workload, point, 5, "./benchmark_result", "result.json")


def pairs(found: tuple[str, ...]) -> dict[str, str]:
    return {flag: value for flag, value in pairwise(found) if flag.startswith("--")}


# ---------------------------------------------------------------- arguments


def test_the_guides_example_comes_first_word_for_word() -> None:
    found, guide = words(LoadPoint(0, concurrency=1, requests=3)), shell_words(BENCH)
    assert list(found[: len(guide)]) == guide
    assert list(found[len(guide) :]) == shell_words(
        "--backend openai --endpoint /v1/completions --seed 5 --temperature 0 --save-detailed "
        "--percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,95,99"
    )


def test_chat_has_its_own_backend_and_route() -> None:
    found = pairs(words(POINT, Workload(1, 1, (POINT,), api=Api.CHAT)))
    assert (found["--backend"], found["--endpoint"]) == ("openai-chat", "/v1/chat/completions")


@pytest.mark.parametrize(("version", "there"), [("0.9.2", True), ("0.10.1", True), ("0.17.0", False), (None, False)])
def test_old_builds_name_the_backend_otherwise(version: str | None, there: bool) -> None:
    assert ("--endpoint-type" in words(POINT, target=replace(TARGET, version=version))) is there


@pytest.mark.parametrize(("arrival", "burstiness"), [(Arrival.POISSON, "1"), (Arrival.CONSTANT, "1000000")])
def test_an_open_loop_has_a_rate(arrival: Arrival, burstiness: str) -> None:
    point = LoadPoint(0, arrival=arrival, concurrency=None, rate_per_s=2.5, duration_s=10)
    found = pairs(words(point))
    assert (found["--request-rate"], found["--burstiness"], found["--num-prompts"]) == ("2.5", burstiness, "25")
    assert "--max-concurrency" not in found


def test_a_point_that_only_ends_by_time_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        words(LoadPoint(0, concurrency=4, duration_s=60))
    assert refused.value.code == "vllm_bench_needs_requests"


def test_sampling_and_lengths_that_vary_word_for_word() -> None:
    """As vLLM 0.32 and vllm-rs 0.33.0 take them."""
    point = LoadPoint(0, concurrency=4, requests=100)
    workload = Workload(
        1000, 200, (point,), temperature=0.7, ignore_eos=False, top_p=0.9, top_k=20, prefix_share=0.25,
        input_spread=Spread(800, 1200), output_spread=Spread(160, 240),
    )  # fmt: skip
    assert list(words(point, workload)) == shell_words(
        "vllm bench serve --host 127.0.0.1 --port 8000 --model /weights/DeepSeek-R1-0528 --dataset-name random "
        "--num-prompts 100 --random-input-len 750 --random-output-len 200 --max-concurrency 4 "
        "--served-model-name DeepSeek-R1-0528 --save-result --result-dir ./benchmark_result "
        "--result-filename result.json --backend openai --endpoint /v1/completions --seed 5 --temperature 0.7 "
        "--save-detailed --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,95,99 --top-p 0.9 "
        "--top-k 20 --random-range-ratio 0.2 --random-prefix-len 250"
    )


def test_a_warm_up_asks_the_same_with_other_prompts() -> None:
    point = LoadPoint(0, arrival=Arrival.POISSON, concurrency=None, rate_per_s=2.0, requests=100, warmup=3)
    assert warmup_argv(TARGET, Workload(128, 64, (point,)), replace(point, warmup=0), 9) is None
    assert list(warmup_argv(TARGET, Workload(128, 64, (point,)), point, 9) or ()) == shell_words(
        "vllm bench serve --host 127.0.0.1 --port 8000 --model /weights/DeepSeek-R1-0528 --dataset-name random "
        "--num-prompts 3 --random-input-len 128 --ignore-eos --random-output-len 64 --max-concurrency 3 "
        "--served-model-name DeepSeek-R1-0528 --backend openai --endpoint /v1/completions --seed 9 --temperature 0"
    )
    assert warmup_seed(5) != 5


def test_remote_code_is_trusted_where_the_server_does() -> None:
    assert words(POINT, target=replace(TARGET, trust_remote_code=True))[-1] == "--trust-remote-code"


# ---------------------------------------------------------------- progress


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("\r  0%|          | 0/192 [00:00<?, ?it/s]", (0, 192)),
        ("\r 10%|█         | 20/192 [00:01<00:09]\r 11%|█         | 21/192 [00:01<00:08]", (21, 192)),
        ("100%|██████████| 192/192 [00:12<00:00, 15.9it/s]\nMean TTFT (ms): 12/13 [x", (192, 192)),
        ("Starting main benchmark run...\nTraffic request rate: inf", None),
        ("", None),
    ],
)
def test_progress(text: str, done: tuple[int, int] | None) -> None:
    assert progress(text) == done


# ---------------------------------------------------------------- result


def changed(**values: Any) -> bytes:
    result = json.loads(RECORDED) | values
    return json.dumps({key: value for key, value in result.items() if value is not ...}).encode()


def test_the_recorded_result_says_what_the_tool_said() -> None:
    found, said = parse_result(RECORDED, ORIGIN), json.loads(RECORDED)
    assert (found.point_index, found.repeat, found.seed, found.tool, found.tool_version) == (
        2,
        1,
        77,
        "vllm bench serve",
        "0.32.0",
    )
    assert (found.requests.succeeded, found.requests.failed, found.requests.failures) == (8, 0, {})
    assert (found.input_tokens, found.output_tokens, found.concurrency) == (1026, 512, 2)
    assert found.duration_s == said["duration"]
    assert found.requests_per_s == said["request_throughput"]
    assert found.output_tokens_per_s == said["output_throughput"]
    assert found.total_tokens_per_s == said["total_token_throughput"]
    for name, summary in {"ttft": found.ttft_ms, "tpot": found.tpot_ms, "itl": found.itl_ms}.items():
        assert summary is not None
        told = (said[f"mean_{name}_ms"], said[f"median_{name}_ms"], said[f"std_{name}_ms"], said[f"p99_{name}_ms"])
        assert (summary.mean, summary.p50, summary.std, summary.p99) == pytest.approx(told)
    assert found.itl_ms is not None
    assert found.itl_ms.n == 8 * 63
    assert found.e2el_ms is not None
    assert found.e2el_ms.max == pytest.approx(max(said["latencies"]) * 1000)
    assert found.warnings == ()


def test_the_recorded_result_of_the_rust_client() -> None:
    """vllm-rs 0.33.0 with the very arguments of ``argv``, against the simulated vLLM."""
    found, said = parse_result(RECORDED_RUST, replace(ORIGIN, is_rust=True)), json.loads(RECORDED_RUST)
    assert (found.tool, found.requests.succeeded, found.warnings) == ("vllm-rs bench serve", 8, ())
    assert (found.input_tokens, found.output_tokens) == (1024, 128)
    for name, summary in {
        "ttft": found.ttft_ms,
        "tpot": found.tpot_ms,
        "itl": found.itl_ms,
        "e2el": found.e2el_ms,
    }.items():
        assert summary is not None
        told = [said[f"{key}_{name}_ms"] for key in ("mean", "median", "std", "p90", "p99")]
        assert [summary.mean, summary.p50, summary.std, summary.p90, summary.p99] == pytest.approx(told)
    lines = [json.loads(line) for line in (request_lines(said) or "").splitlines()]
    assert lines[0]["started_s"] == 0.0
    assert {line["input_tokens"] for line in lines} == {128}


def test_keys_that_older_builds_lack() -> None:
    missing = ("failed", "latencies", "queue_times", "start_times", "max_concurrent_requests", "errors")
    found = parse_result(changed(**dict.fromkeys(missing, ...)), ORIGIN)
    whole = parse_result(RECORDED, ORIGIN)
    assert (found.requests, found.ttft_ms) == (whole.requests, whole.ttft_ms)
    assert found.e2el_ms is not None
    assert whole.e2el_ms is not None
    assert found.e2el_ms.mean == pytest.approx(whole.e2el_ms.mean)


def test_failures_are_counted_by_kind_and_never_averaged_in() -> None:
    said = json.loads(RECORDED)
    errors = ["Bad Request", "Traceback ... ClientConnectorError: Cannot connect", *said["errors"][2:]]
    broken = changed(
        errors=errors,
        output_lens=[0, 0, *said["output_lens"][2:]],
        ttfts=[0.0, 0.0, *said["ttfts"][2:]],
        completed=6,
        failed=2,
    )
    found = parse_result(broken, ORIGIN)
    assert (found.requests.succeeded, found.requests.failed) == (6, 2)
    assert found.requests.failures == {"http_400": 1, "connect": 1}
    assert found.ttft_ms is not None
    assert found.ttft_ms.n == 6
    assert found.ttft_ms.min > 0


def test_nothing_succeeded() -> None:
    said = json.loads(RECORDED)
    none = changed(
        errors=["Unauthorized"] * 8,
        output_lens=[0] * 8,
        completed=0,
        failed=8,
        total_output_tokens=0,
        total_input_tokens=0,
        itls=[[]] * 8,
    )
    found = parse_result(none, ORIGIN)
    assert found.requests.failures == {"http_401": len(said["errors"])}
    assert (found.ttft_ms, found.tpot_ms, found.itl_ms, found.e2el_ms) == (None, None, None, None)


def test_a_single_output_token_has_no_time_per_token() -> None:
    found = parse_result(changed(output_lens=[1] * 8), ORIGIN)
    assert found.tpot_ms is None
    assert found.ttft_ms is not None


def test_without_records_the_summaries_are_absent_and_said_to_be() -> None:
    found = parse_result(changed(ttfts=..., itls=..., errors=...), ORIGIN)
    assert (found.ttft_ms, found.requests.succeeded, found.warnings) == (None, 8, (vllm_bench.NO_RECORDS,))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        changed(duration=...),
        changed(completed="8"),
        changed(ttfts=["x"] * 8),
        changed(duration=float("nan")),
        changed(output_throughput=float("inf")),
        changed(ttfts=[float("nan")] * 8),
        changed(itls=[[float("inf")]] * 8),
        changed(latencies=[-1.0] * 8),
    ],
)
def test_what_is_no_result(content: bytes) -> None:
    with pytest.raises(OutputNotUnderstood):
        parse_result(content, ORIGIN)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Too Many Requests", "http_429"),
        ("Internal Server Error", "http_500"),
        ("aiohttp.client_exceptions.ServerDisconnectedError: Server disconnected", "disconnected"),
        ("aiohttp.client_exceptions.ClientPayloadError: Response payload is not completed", "truncated"),
        ("asyncio.exceptions.TimeoutError", "timeout"),
        ("Never received a valid chunk to calculate TTFT.", "empty"),
        ("", "empty"),
        ("something new", "other"),
        ('HTTP 404 Not Found: {"error": {"message": "The model `x` does not exist."}}', "http_404"),
        (
            'HTTP 400 Bad Request: {"error": {"message": "This model\'s maximum context length is 100 tokens."}}',
            "over_length",
        ),
        ("error sending request for url (x)\n  Caused by: client error (Connect)\n  Caused by: tcp", "connect"),
        ("error sending request for url (x)\n  Caused by: client error (SendRequest)\n  Caused by: y", "disconnected"),
    ],
)
def test_kinds(error: str, kind: str) -> None:
    assert failure_kind(error) == kind
