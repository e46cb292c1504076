"""The command that makes a run again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.workload import Api, Arrival, LoadPoint
from core.errors import BadInput
from core.formats.seatrial_bench import BenchOptions, argv, workload_of
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
