"""What a plan says before anything runs, at the boundaries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.benchmark_rules import benchmark_findings, range_ratio
from core.domain.endpoint import Endpoint, Origin
from core.domain.finding import Finding, Severity
from core.domain.lengths import normally
from core.domain.limits import ServingLimits
from core.domain.workload import Api, Arrival, Dataset, LoadPoint, Slo, Spread, Workload
from tests.fakes import samples

FILE = Dataset("talks.json", "0" * 64, 100, "sharegpt", input_tokens=50)
RATED = LoadPoint(0, Arrival.POISSON, concurrency=None, rate_per_s=2.0, requests=300)


def sound(*concurrencies: tuple[int, ...], **changes: Any) -> Workload:
    """Enough requests for a p99."""
    return samples.workload(*concurrencies, **{"requests": 300, **changes})


def findings(
    workload: Workload | None = None, endpoint: Endpoint | None = None, engine: Engine = Engine.SEATRIAL
) -> dict[str, Finding]:
    request = BenchmarkRequest("ep-1", workload or sound(), engine)
    return {finding.code: finding for finding in benchmark_findings(request, endpoint or samples.endpoint())}


def checked(**changes: Any) -> Endpoint:
    check = samples.endpoint().check
    assert check is not None
    return samples.endpoint(check=replace(check, **changes))


def point(**changes: Any) -> Workload:
    return replace(sound(), points=(replace(LoadPoint(0, concurrency=4, requests=300), **changes),))


def test_a_sound_request_has_nothing_to_say() -> None:
    assert findings() == {}


@pytest.mark.parametrize(
    ("changes", "field", "least"),
    [
        ({"input_tokens": 0}, "input_tokens", 1),
        ({"output_tokens": 0}, "output_tokens", 1),
        ({"repeats": 0}, "repeats", 1),
        ({"timeout_s": 0.5}, "timeout_s", 1),
        ({"temperature": -0.1}, "temperature", 0),
        ({"temperature": float("nan")}, "temperature", 0),
        ({"timeout_s": float("inf")}, "timeout_s", 1),
    ],
)
def test_numbers_that_make_no_workload(changes: dict[str, Any], field: str, least: int) -> None:
    found = findings(sound(**changes))["bench_too_small"]
    assert (found.severity, found.field, found.params["least"]) == (Severity.BLOCK, field, least)


@pytest.mark.parametrize(
    ("workload", "code", "field"),
    [
        (sound(()), "bench_no_points", "concurrency"),
        (point(concurrency=0), "bench_too_small", "concurrency"),
        (point(concurrency=None), "bench_too_small", "concurrency"),
        (point(requests=0), "bench_too_small", "requests"),
        (point(requests=None), "bench_no_end", "requests"),
        (point(duration_s=5.0), "bench_no_end", "requests"),
        (point(requests=None, duration_s=0.0), "bench_no_end", "duration_s"),
        (point(warmup=-1), "bench_too_small", "warmup"),
        (point(requests=3), "bench_requests_below_concurrency", "requests"),
        (point(arrival=Arrival.POISSON), "bench_rate_bad", "rate_per_s"),
        (point(arrival=Arrival.POISSON, rate_per_s=1.0, concurrency=0), "bench_too_small", "concurrency"),
    ],
)
def test_points_that_cannot_run(workload: Workload, code: str, field: str) -> None:
    found = findings(workload)[code]
    assert (found.severity, found.field) == (Severity.BLOCK, field)


@pytest.mark.parametrize(
    "workload",
    [
        point(requests=4, concurrency=4),
        point(requests=None, duration_s=1.0),
        point(arrival=Arrival.POISSON, rate_per_s=0.1, concurrency=None, requests=1),
        point(warmup=0),
    ],
)
def test_points_at_the_boundary_run(workload: Workload) -> None:
    assert all(found.severity is not Severity.BLOCK for found in findings(workload).values())


def test_a_fault_of_several_points_is_said_once() -> None:
    request = BenchmarkRequest("ep-1", sound((0, 0, 0)))
    codes = [finding.code for finding in benchmark_findings(request, samples.endpoint())]
    assert codes.count("bench_too_small") == 1


def test_the_context_holds_input_and_output() -> None:
    exact = sound(input_tokens=4000, output_tokens=96)
    assert findings(exact) == {}
    over = findings(replace(exact, output_tokens=97))["bench_over_context"]
    assert over.severity is Severity.BLOCK
    assert (over.params["total"], over.params["limit"]) == (4097, 4096)
    near = findings(replace(exact, api=Api.CHAT))["bench_chat_near_context"]
    assert near.severity is Severity.WARN


def test_few_requests_for_a_p99_count_every_repeat() -> None:
    assert findings(sound(requests=99))["bench_few_requests"].params["requests"] == 99
    rough = findings(sound(requests=50, repeats=2))
    assert set(rough) == {"bench_p99_rough"}
    assert rough["bench_p99_rough"].params == {"requests": 100, "enough": 300}
    assert findings(sound(requests=150, repeats=2)) == {}


def test_a_point_that_ends_by_time_is_advised_too() -> None:
    timed = point(requests=None, duration_s=60.0)
    assert findings(timed)["bench_p99_timed"].params == {"enough": 300}
    at_a_rate = point(requests=None, duration_s=60.0, arrival=Arrival.POISSON, rate_per_s=4.0)
    assert findings(at_a_rate)["bench_p99_rough"].params["requests"] == 240
    assert findings(replace(at_a_rate, repeats=2)) == {}


TALKS = replace(FILE, samples=1000, longest_input=5000, longest_total=5200, output_tokens=80, turns_at_least=(1000, 90))


def test_the_longest_prompt_of_a_file_is_held_to_the_limits() -> None:
    chat = sound(dataset=TALKS, api=Api.CHAT)
    found = findings(chat)
    assert found["bench_file_some_over_context"].params == {"total": 5200, "limit": 4096}
    assert found["bench_file_outputs"].params == {"recorded": 80, "output": 128}
    limits = ServingLimits(max_input=4999, name="r1-64")
    request = BenchmarkRequest("ep-1", chat)
    told = {one.code: one for one in benchmark_findings(request, samples.endpoint(), limits)}
    assert told["bench_file_over_input"].params == {"input": 5000, "limit": 4999, "profile": "r1-64"}
    short = replace(TALKS, longest_input=100, longest_total=None)
    assert set(findings(replace(chat, dataset=short))) == {"bench_file_outputs"}


def test_conversations_of_a_file_have_as_many_turns_as_were_recorded() -> None:
    chat = sound(dataset=TALKS, api=Api.CHAT, turns=2)
    assert findings(chat)["bench_file_repeats"].params == {"samples": 180, "requests": 300}
    assert findings(replace(chat, turns=3))["bench_turns_not_in_file"].params == {"turns": 3, "most": 2}
    assert findings(replace(chat, api=Api.COMPLETIONS))["bench_file_needs_chat"].severity is Severity.BLOCK


def test_what_is_not_known_is_said() -> None:
    assert findings(endpoint=samples.endpoint(check=None))["bench_not_checked"].severity is Severity.WARN
    assert set(findings(endpoint=checked(max_model_len=None))) == {"bench_context_unknown"}
    assert set(findings(endpoint=checked(vocabulary_size=None))) == {"bench_vocabulary_unknown"}


def test_what_the_check_refused_blocks_in_its_own_words() -> None:
    refused = Finding("endpoint_refused", Severity.BLOCK, "url", {"url": "http://127.0.0.1:8000/v1"})
    found = findings(endpoint=checked(reachable=False, findings=(refused,)))
    assert found == {"endpoint_refused": refused}
    assert set(findings(endpoint=checked(reachable=False, findings=()))) == {"bench_unreachable"}
    assert set(findings(endpoint=checked(streams=False, findings=()))) == {"bench_no_stream"}


def test_a_trial_answer_that_failed_is_a_warning() -> None:
    failed = Finding("endpoint_completion_failed", Severity.BLOCK, "url", {"status": 500})
    found = findings(endpoint=checked(streams=None, findings=(failed,)))
    assert found == {"endpoint_completion_failed": replace(failed, severity=Severity.WARN)}


def test_what_the_containers_own_client_does_otherwise_is_said() -> None:
    endpoint = replace(checked(server_version="0.9.2"), deployment_id="d-1")
    found = findings(sound(timeout_s=30.0), endpoint, Engine.VLLM_BENCH)
    assert found["bench_engine_warmup"].params == {"warmup": 1}
    assert found["bench_engine_no_time_limit"].params == {"timeout_s": 30.0}
    assert found["bench_engine_first_prompt"].severity is Severity.WARN
    newer = replace(checked(server_version="0.17.0"), deployment_id="d-1")
    assert set(findings(point(warmup=0), newer, Engine.VLLM_BENCH)) == {"bench_engine_no_time_limit"}


def test_no_chat_matters_to_chat_alone() -> None:
    endpoint = checked(findings=(Finding("endpoint_no_chat", Severity.WARN, None, {"detail": "404"}),))
    assert findings(endpoint=endpoint) == {}
    assert findings(sound(api=Api.CHAT), endpoint)["endpoint_no_chat"].severity is Severity.BLOCK


def test_simulated_and_archived_endpoints_say_so() -> None:
    simulated = findings(endpoint=samples.endpoint(origin=Origin.SIMULATED))["endpoint_simulated"]
    assert simulated.severity is Severity.NOTE
    archived = findings(endpoint=samples.endpoint(archived_at=samples.NOW))["bench_endpoint_archived"]
    assert archived.severity is Severity.BLOCK


def test_vllm_bench_needs_our_container_and_a_number_of_requests() -> None:
    timed = point(requests=None, duration_s=9.0)
    found = findings(timed, engine=Engine.VLLM_BENCH)
    said = {"bench_engine_warmup", "bench_engine_no_time_limit"}
    assert set(found) - said - {"bench_p99_timed"} == {"bench_engine_needs_container", "bench_engine_needs_requests"}
    ours = samples.endpoint(deployment_id="d-1")
    assert set(findings(endpoint=ours, engine=Engine.VLLM_BENCH)) == said
    at_a_rate = point(requests=None, duration_s=60.0, arrival=Arrival.POISSON, rate_per_s=5.0)
    assert set(findings(at_a_rate, ours, Engine.VLLM_BENCH)) == said


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"top_p": 1.5}, "bench_top_p_bad", Severity.BLOCK),
        ({"top_k": 0}, "bench_too_small", Severity.BLOCK),
        ({"temperature": 0.7}, "bench_sampled", Severity.NOTE),
        ({"input_spread": Spread(9, 3)}, "bench_spread_bad", Severity.BLOCK),
        ({"input_spread": Spread(1, 300, float("nan"))}, "bench_spread_bad", Severity.BLOCK),
        ({"prefix_share": 1.0}, "bench_prefix_bad", Severity.BLOCK),
        ({"prefix_share": float("nan")}, "bench_prefix_bad", Severity.BLOCK),
        ({"turns": 0}, "bench_too_small", Severity.BLOCK),
        ({"turns": 301}, "bench_turns_cut", Severity.WARN),
        ({"slo": Slo(30, ttft_ms=1)}, "bench_slo_bad", Severity.BLOCK),
        ({"slo": Slo(95, ttft_ms=-1)}, "bench_slo_bad", Severity.BLOCK),
        ({"stop_at_slo": True}, "bench_stop_needs_slo", Severity.BLOCK),
        ({"stop_at_peak": True, "points": sound((4, 2)).points}, "bench_stop_needs_order", Severity.BLOCK),
        ({"turns": 2, "points": (RATED,)}, "bench_turns_need_closed", Severity.BLOCK),
        ({"dataset": FILE, "turns": 2}, "bench_turns_not_in_file", Severity.BLOCK),
        ({"dataset": replace(FILE, has_messages=True)}, "bench_file_needs_chat", Severity.BLOCK),
        ({"dataset": FILE, "prefix_share": 0.5}, "bench_file_has_lengths", Severity.BLOCK),
        ({"dataset": FILE}, "bench_file_repeats", Severity.WARN),
        ({"dataset": replace(FILE, input_tokens=5000)}, "bench_file_over_context", Severity.WARN),
    ],
)
def test_what_the_new_fields_say(changes: dict[str, Any], code: str, severity: Severity) -> None:
    assert findings(sound(**changes))[code].severity is severity


@pytest.mark.parametrize("changes", [{"turns": 15}, {"input_spread": Spread(64, 4000)}])
def test_the_longest_prompt_counts(changes: dict[str, Any]) -> None:
    assert findings(sound(**changes, output_tokens=200))["bench_over_context"].field == "input_tokens"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"turns": 2}, "turns"),
        ({"dataset": FILE}, "dataset"),
        ({"input_spread": Spread(64, 192)}, "input_spread"),
        ({"input_spread": normally(128, 10), "output_spread": normally(128, 10)}, "input_spread"),
    ],
)
def test_what_vllm_bench_cannot_do_in_every_version(changes: dict[str, Any], field: str) -> None:
    assert findings(sound(**changes), engine=Engine.VLLM_BENCH)["bench_engine_cannot"].field == field


def test_what_vllm_bench_can_do() -> None:
    even = {"input_spread": Spread(64, 192), "output_spread": Spread(64, 192), "prefix_share": 0.25}
    assert "bench_engine_cannot" not in findings(sound(**even), engine=Engine.VLLM_BENCH)
    assert range_ratio(sound(**even)) == 0.5
    assert "bench_engine_imported" in findings(engine=Engine.GUIDELLM)


def test_a_profiles_limits() -> None:
    limits = ServingLimits(max_input=100, max_concurrency=4, has_mtp=True, name="m.p", source="the guide")
    request = BenchmarkRequest("ep-1", sound())
    found = {one.code: one for one in benchmark_findings(request, samples.endpoint(), limits)}
    assert (found["bench_over_input"].severity, found["bench_over_input"].source) == (Severity.BLOCK, "the guide")
    assert found["bench_over_concurrency"].params == {"concurrency": 16, "limit": 4, "profile": "m.p"}
    assert found["bench_mtp_random"].severity is Severity.NOTE


def test_what_the_server_works_on_at_once_by_its_own_arguments() -> None:
    request = BenchmarkRequest("ep-1", sound())

    def said(**limits: int) -> dict[str, Finding]:
        return {one.code: one for one in benchmark_findings(request, samples.endpoint(), ServingLimits(**limits))}

    found = said(max_sequences=8)["bench_over_sequences"]
    assert (found.severity, found.field, found.params) == (
        Severity.WARN,
        "concurrency",
        {"concurrency": 16, "limit": 8},
    )
    assert "bench_over_sequences" not in said(max_sequences=16)
    assert "bench_over_sequences" not in said(max_sequences=8, max_concurrency=4), "the lower one is said"
