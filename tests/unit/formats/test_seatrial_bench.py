"""The command that makes a run again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.lengths import normally
from core.domain.workload import Api, Arrival, BenchFiles, LengthGrid, LoadPoint, Slo, Spread
from core.errors import BadInput
from core.formats.seatrial_bench import BenchOptions, argv, doubling, grid_argv, grid_of, length_of, workload_of
from tests.fakes import samples

BASE = "--concurrency 1,16 --requests 192 --input-tokens 128 --output-tokens 128"


def command(workload: Any = None, **changes: Any) -> str:
    endpoint = samples.endpoint(key_ref=changes.pop("key_ref", None))
    request = replace(BenchmarkRequest("ep-1", workload or samples.workload()), **changes)
    return " ".join(argv(request, endpoint)).removeprefix("seatrial bench --url http://127.0.0.1:8000/v1 --model tiny ")


def test_defaults_are_left_out() -> None:
    assert command() == BASE


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"workload": samples.workload(api=Api.CHAT)}, "--api chat"),
        ({"workload": samples.workload(repeats=3)}, "--repeats 3"),
        ({"workload": samples.workload(timeout_s=30.5)}, "--timeout 30.5"),
        ({"workload": samples.workload(timeout_s=1_234_567.0)}, "--timeout 1234567"),
        ({"workload": samples.workload(temperature=0.6)}, "--temperature 0.6"),
        ({"workload": samples.workload(ignore_eos=False)}, "--stop-at-eos"),
        ({"engine": Engine.VLLM_BENCH}, "--engine vllm-bench"),
        ({"workload": samples.workload(prefix_share=0.25, turns=4)}, "--prefix-share 0.25 --turns 4"),
        ({"workload": samples.workload(top_p=0.9, top_k=40)}, "--top-p 0.9 --top-k 40"),
        (
            {"workload": samples.workload(slo=Slo(99, ttft_ms=500), stop_at_slo=True, stop_at_peak=True)},
            "--slo-ttft 500 --slo-percentile 99 --stop peak,slo",
        ),
        (
            {"workload": samples.workload(bench_files=BenchFiles("10.0.0.1", "./out", "r.json"))},
            "--bench-host 10.0.0.1 --result-dir ./out --result-filename r.json",
        ),
        ({"seed": 7}, "--seed 7"),
        ({"key_ref": "endpoint/ep-1"}, "--key-env SEATRIAL_KEY"),
    ],
)
def test_choices_are_named(changes: dict[str, Any], added: str) -> None:
    assert command(**changes) == f"{BASE} {added}"


def test_points_that_differ_are_listed() -> None:
    points = (LoadPoint(0, concurrency=1, requests=10, warmup=0), LoadPoint(1, concurrency=16, requests=160, warmup=0))
    told = command(replace(samples.workload(), points=points))
    assert told.startswith("--concurrency 1,16 --requests 10,160 --warmup 0 ")


def test_points_of_the_same_load_stay_two() -> None:
    assert command(samples.workload((4, 4))).startswith("--concurrency 4,4 --requests 192 ")


def test_an_open_loop() -> None:
    points = tuple(
        LoadPoint(i, Arrival.POISSON, concurrency=None, rate_per_s=rate, requests=None, duration_s=60.0)
        for i, rate in enumerate((0.5, 2.0))
    )
    told = command(replace(samples.workload(), points=points))
    assert told.startswith("--rate 0.5,2 --arrival poisson --duration 60 --input-tokens")


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        (Spread(64, 192), "--input-tokens 64-192 "),
        (Spread(96, 160, 10.0), "--input-tokens 96-160 --input-std 10 "),
        (normally(128, 32), "--input-tokens 128 --input-std 32 "),
    ],
)
def test_lengths_that_vary_come_back_as_they_were(spread: Spread, said: str) -> None:
    told = command(samples.workload(input_spread=spread))
    assert said in told
    words = said.split()
    std = float(words[3]) if len(words) > 2 else None
    assert length_of("input_tokens", words[1], std) == (128, spread)


def test_a_staircase_doubles_up_to_its_end() -> None:
    assert doubling(1, 12) == (1, 2, 4, 8, 12)
    assert doubling(4, 4) == (4,)
    climbing = workload_of(options(staircase="2-16", concurrency=None, requests=None))
    assert [(point.concurrency, point.requests) for point in climbing.points] == [(2, 16), (4, 32), (8, 64), (16, 128)]
    assert climbing.stop_at_peak


def test_lists_of_lengths_are_a_grid() -> None:
    asked = options(input_tokens="128,256", output_tokens="64", max_total=4096, shared_by=4)
    grid = LengthGrid((128, 256), (64,), None, 4096, 4)
    assert grid_of(asked) == grid
    told = grid_argv(BenchmarkRequest("ep-1", workload_of(asked)), samples.endpoint(), grid)
    assert " ".join(told).endswith("--input-tokens 128,256 --output-tokens 64, --max-total 4096 --shared-by 4")
    assert grid_of(options(input_tokens="128,256", output_tokens="64,", max_total=4096, shared_by=4)) == grid
    assert grid_of(options()) is None


def options(**changes: Any) -> BenchOptions:
    return replace(BenchOptions(128, 128, concurrency="1,16", requests="192"), **changes)


def test_options_make_the_workload_that_makes_the_options() -> None:
    assert workload_of(options()) == samples.workload()
    open_loop = workload_of(options(rate="0.5,2", concurrency=None, requests=None, duration="60"))
    assert [point.rate_per_s for point in open_loop.points] == [0.5, 2.0]
    assert {(one.arrival, one.concurrency, one.requests, one.duration_s) for one in open_loop.points} == {
        (Arrival.POISSON, None, None, 60.0)
    }


def test_one_stream_where_nothing_is_said() -> None:
    assert [point.concurrency for point in workload_of(options(concurrency=None)).points] == [1]


def test_lists_go_point_by_point() -> None:
    points = workload_of(options(requests="10,160", warmup="0,4")).points
    assert [(point.requests, point.warmup) for point in points] == [(10, 0), (160, 4)]


@pytest.mark.parametrize("text", ["", "a", "1,,2", "1.5", "nan", "１,x", "1;2"])
def test_what_is_no_list_of_numbers(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        workload_of(options(concurrency=text) if text else options(requests=text))
    assert caught.value.code == "list_bad"


@pytest.mark.parametrize("text", ["nan", "inf", "1,-inf"])
def test_rates_are_finite(text: str) -> None:
    with pytest.raises(BadInput):
        workload_of(options(rate=text))


def test_a_list_of_another_length() -> None:
    with pytest.raises(BadInput) as caught:
        workload_of(options(requests="10,20,30"))
    assert caught.value.code == "list_length"
    assert caught.value.params == {"field": "requests", "value": "10,20,30", "points": 2}
