"""How long a sweep takes, foreseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.benchmark import RequestCounts
from core.domain.estimates import POINT_OVERHEAD_S, Past, estimate_s, left_s
from core.domain.workload import Arrival, LoadPoint, Workload
from tests.fakes import samples


def past(concurrency: int, ttft_ms: float, tpot_ms: float, input_tokens: int = 128) -> Past:
    found = samples.measurement(
        concurrency=concurrency, ttft_ms=samples.distribution(ttft_ms), tpot_ms=samples.distribution(tpot_ms)
    )
    return Past(found, input_tokens, 128)


def one_point(**changes: object) -> Workload:
    base = LoadPoint(0, concurrency=16, requests=64, warmup=0)
    return replace(samples.workload(), points=(replace(base, **changes),))  # type: ignore[arg-type]


def test_nothing_measured_nothing_foreseen() -> None:
    assert estimate_s(samples.workload(), []) is None


def test_waves_of_first_token_and_the_tokens_after_it() -> None:
    wave_s = 0.2 + 127 * 0.02
    assert estimate_s(one_point(), [past(16, 200, 20)]) == pytest.approx(4 * wave_s + POINT_OVERHEAD_S)
    assert estimate_s(one_point(requests=65), [past(16, 200, 20)]) == pytest.approx(5 * wave_s + POINT_OVERHEAD_S)
    assert estimate_s(one_point(warmup=3), [past(16, 200, 20)]) == pytest.approx(5 * wave_s + POINT_OVERHEAD_S)


def test_repeats_and_points_add_up() -> None:
    single = estimate_s(one_point(), [past(16, 200, 20)])
    assert single is not None
    doubled = replace(one_point(), repeats=2, points=one_point().points * 3)
    assert estimate_s(doubled, [past(16, 200, 20)]) == pytest.approx(6 * single)


def test_the_nearest_concurrency_is_taken_and_ttft_grows_with_the_input() -> None:
    history = [past(1, 50, 5), past(14, 200, 20), past(256, 900, 90)]
    longer = replace(one_point(), input_tokens=1280)
    assert estimate_s(longer, history) == pytest.approx(4 * (2.0 + 127 * 0.02) + POINT_OVERHEAD_S)


def test_an_open_loop_lasts_as_long_as_its_arrivals() -> None:
    workload = one_point(arrival=Arrival.POISSON, rate_per_s=4.0, concurrency=None)
    assert estimate_s(workload, [past(16, 200, 20)]) == pytest.approx(16 + 0.2 + 127 * 0.02 + POINT_OVERHEAD_S)


def test_a_timed_point_needs_no_history() -> None:
    assert estimate_s(one_point(requests=None, duration_s=30.0), []) == 30 + POINT_OVERHEAD_S


def test_one_unknown_point_makes_the_whole_unknown() -> None:
    points = (LoadPoint(0, requests=None, duration_s=30.0), LoadPoint(1, requests=8))
    assert estimate_s(replace(samples.workload(), points=points), []) is None


def test_points_without_a_success_teach_nothing() -> None:
    broken = samples.measurement(requests=RequestCounts(0, 9), ttft_ms=None, tpot_ms=None)
    assert estimate_s(one_point(), [Past(broken, 128, 128)]) is None


def two_points(**changes: object) -> Workload:
    points = tuple(LoadPoint(i, concurrency=c, requests=64, warmup=0) for i, c in enumerate((16, 32)))
    return replace(samples.workload(), points=points, **changes)  # type: ignore[arg-type]


def test_what_is_left_is_this_point_by_its_pace_and_the_later_ones_as_foreseen() -> None:
    later = estimate_s(one_point(concurrency=32), [past(32, 200, 20)])
    assert later is not None
    now = samples.progress(step=0, eta_s=6.4)
    assert left_s(two_points(), now, [past(32, 200, 20)]) == pytest.approx(6.4 + later)
    assert left_s(two_points(), samples.progress(step=1, eta_s=2.0), []) == 2.0


def test_repeats_are_steps_of_their_own() -> None:
    now, known = samples.progress(step=3, eta_s=1.0), [past(16, 200, 20)]
    assert left_s(two_points(repeats=2), now, known) == 1.0
    once = left_s(two_points(), samples.progress(step=0, eta_s=1.0), known)
    twice = left_s(two_points(repeats=2), samples.progress(step=0, eta_s=1.0), known)
    assert once is not None
    assert twice is not None
    assert twice > 2 * once


def test_with_nothing_measured_before_the_running_points_pace_stands_in() -> None:
    now = samples.progress(step=0, rate_per_s=8.0, eta_s=4.0)
    assert left_s(two_points(), now, []) == pytest.approx(4.0 + 2 * (16 / 8.0) + POINT_OVERHEAD_S)
    assert left_s(two_points(), samples.progress(step=0, rate_per_s=None, eta_s=4.0), []) is None
    assert left_s(two_points(), samples.progress(step=9), []) is None
