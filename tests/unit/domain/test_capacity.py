"""How many users a server holds, from sweeps whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from core.domain.benchmark import Measurement, RequestCounts
from core.domain.capacity import Capacity, PointRequests, capacity
from core.domain.workload import Slo
from tests.fakes import samples

SLO = Slo(95, ttft_ms=500.0, tpot_ms=50.0)


def sweep(ttft_ms: Mapping[int, float], **changes: object) -> list[Measurement]:
    """A point per concurrency, narrow around its TTFT; p95 is 1.1 times the middle."""
    return [
        samples.measurement(index, concurrency=load, ttft_ms=samples.distribution(middle), **changes)
        for index, (load, middle) in enumerate(ttft_ms.items())
    ]


def records(shares: Sequence[float], n: int = 200, failed: int = 0) -> dict[tuple[int, int], PointRequests]:
    """Per point, the share of requests that keep the limits."""
    return {
        (index, 0): PointRequests(
            tuple((400.0 if number < share * n else 600.0, 20.0, 900.0) for number in range(n - failed)), failed
        )
        for index, share in enumerate(shares)
    }


def found(measured: Sequence[Measurement], told: Mapping[tuple[int, int], PointRequests] | None = None) -> Capacity:
    result = capacity(measured, SLO, told or {})
    assert result is not None
    return result


def test_it_holds_up_to_the_last_load_before_a_limit_breaks() -> None:
    result = found(sweep({1: 100, 4: 200, 16: 450, 64: 900}), records([1, 1, 0.97, 0.2]))
    assert (result.holds, result.breaks) == (16, 64)
    assert (result.low, result.high) == (4, 64), "97 % of 200 is not surely 95 %"


def test_a_sweep_that_never_breaks_says_at_least() -> None:
    result = found(sweep({1: 100, 8: 110}), records([1, 1]))
    assert (result.holds, result.breaks, result.low, result.high) == (8, None, 8, None)


def test_a_server_that_breaks_at_once_holds_nobody() -> None:
    result = found(sweep({1: 900}), records([0.1]))
    assert (result.holds, result.breaks, result.low, result.high) == (None, 1, None, 1)


def test_a_load_that_holds_above_a_broken_one_does_not_count() -> None:
    assert found(sweep({1: 100, 4: 900, 16: 100})).holds == 1


def test_without_records_nothing_is_sure_and_goodput_is_unknown() -> None:
    result = found(sweep({1: 100, 4: 900}))
    assert (result.holds, result.breaks, result.low, result.high) == (1, 4, None, None)
    assert [(one.kept_share, one.goodput_per_s, one.surely) for one in result.verdicts] == [(None, None, None)] * 2


def test_few_requests_are_never_sure() -> None:
    assert found(sweep({1: 100}), records([1], n=20)).low is None


def test_a_failed_request_keeps_no_limit() -> None:
    broken = sweep({1: 100}, requests=RequestCounts(180, 20, {"timeout": 20}))
    result = found(broken, records([1], failed=20))
    assert result.holds is None
    assert result.verdicts[0].kept_share == pytest.approx(0.9)


def test_goodput_counts_requests_that_keep_every_limit() -> None:
    (verdict,) = found(sweep({1: 100}, duration_s=10.0, requests=RequestCounts(200, 0)), records([0.5])).verdicts
    assert (verdict.kept_share, verdict.goodput_per_s) == (0.5, 10.0)
    assert verdict.values_ms == {"ttft_ms": pytest.approx(110), "tpot_ms": pytest.approx(22)}


def test_without_a_limit_or_a_point_there_is_no_answer() -> None:
    assert capacity(sweep({1: 100}), Slo(), {}) is None
    assert capacity([], SLO, {}) is None


def test_an_answer_of_one_token_has_no_tpot_to_break() -> None:
    one = {(0, 0): PointRequests(((100.0, None, 100.0),) * 200, 0)}
    assert found(sweep({1: 100}, requests=RequestCounts(200, 0)), one).low == 1


def test_repeats_are_one_point() -> None:
    measured = [samples.measurement(0, repeat, concurrency=4) for repeat in (0, 1)]
    told = {(0, repeat): PointRequests(((200.0, 20.0, 900.0),) * 192, 0) for repeat in (0, 1)}
    (verdict,) = found(measured, told).verdicts
    assert verdict.requests == 384
    assert verdict.surely is True
