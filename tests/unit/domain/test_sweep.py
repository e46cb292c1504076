"""Where a sweep ends by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.benchmark import Measurement, RequestCounts
from core.domain.sweep import Stop, at, broken_limits, stop_of
from core.domain.workload import Slo, Workload
from tests.fakes import samples

CLIMBING = replace(samples.workload((1, 2, 4, 8, 16)), stop_at_peak=True)


def measured(*rates: float, repeat: int = 0, **changes: object) -> list[Measurement]:
    return [samples.measurement(point, repeat, output_tokens_per_s=rate, **changes) for point, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("rates", "stop"),
    [
        ((100, 190, 350), None),
        ((100, 190, 191), None),
        ((100, 190, 191, 192), Stop("peak", 3)),
        ((100, 190, 150, 120, 90), Stop("peak", 3)),
        ((100, 190, 191, 250, 252), None),
        ((), None),
    ],
)
def test_two_points_that_add_little_end_it(rates: tuple[float, ...], stop: Stop | None) -> None:
    assert stop_of(CLIMBING, measured(*rates)) == stop


def test_without_being_asked_nothing_ends_early() -> None:
    assert stop_of(samples.workload((1, 2, 4)), measured(100, 90, 80)) is None


def test_only_the_first_repeat_decides_and_only_what_comes_without_a_gap() -> None:
    assert stop_of(CLIMBING, measured(100, 90, 80, repeat=1)) is None
    later = [one for one in measured(100, 100, 100, 100) if one.point_index != 1]
    assert stop_of(CLIMBING, later) is None


def test_a_broken_service_level_ends_it() -> None:
    load = replace(samples.workload((1, 2, 4)), stop_at_slo=True, slo=Slo(95, ttft_ms=215))
    assert stop_of(load, measured(100, 190)) == Stop("slo", 0), "p95 is 220 ms"
    assert stop_of(replace(load, slo=Slo(90, ttft_ms=215)), measured(100, 190)) is None


def test_too_many_failures_end_it() -> None:
    failing = measured(100, requests=RequestCounts(90, 10, {"http_500": 10}))
    assert not failing[0].is_sound
    assert stop_of(CLIMBING, failing) == Stop("failures", 0)
    assert measured(100, requests=RequestCounts(95, 5, {"http_500": 5}))[0].is_sound
    assert not measured(100, requests=RequestCounts(0, 0, {}))[0].is_sound


def test_a_limit_is_judged_by_the_middle_repeat_and_by_what_was_measured() -> None:
    repeats = [samples.measurement(ttft_ms=samples.distribution(middle)) for middle in (100.0, 300.0, 120.0)]
    assert broken_limits(repeats, Slo(50, ttft_ms=110)) == {"ttft_ms": 120.0}
    assert broken_limits(repeats, Slo(50, ttft_ms=130)) == {}
    assert broken_limits([samples.measurement(tpot_ms=None)], Slo(50, tpot_ms=1)) == {}
    found = samples.distribution(100.0)
    assert [at(found, percentile) for percentile in (50, 75, 91, 99)] == [found.p50, found.p90, found.p95, found.p99]


def test_a_sweep_without_points_has_no_end() -> None:
    assert stop_of(Workload(1, 1, (), stop_at_peak=True), []) is None
