"""Intervals and p values: against SciPy where it is there, and against known truths."""

from __future__ import annotations

import math
from random import Random

import pytest

from core.domain.statistics import (
    change,
    false_discovery,
    floor_variance,
    inflation,
    mean_estimate,
    noise_floor,
    pooled,
    quantile_estimate,
    repeat_estimate,
    student,
    summarize,
)
from core.domain.statistics.estimates import Estimate
from tests.fakes.simulated_runs import varied


def estimate(values: list[float]) -> Estimate:
    summary = summarize(values)
    assert summary is not None
    assert summary.std is not None
    found = mean_estimate(summary.mean, summary.std, summary.n)
    assert found is not None
    return found


@pytest.mark.parametrize("df", [1.0, 2.3, 4.0, 15.0, 100.0, 1999.0])
def test_students_t_is_scipys(df: float) -> None:
    t = pytest.importorskip("scipy.stats").t
    assert student.quantile(0.95, df) == pytest.approx(t.ppf(0.975, df), rel=1e-6)
    for value in (0.0, 0.3, 2.5, 9.0):
        assert student.two_sided_p(value, df) == pytest.approx(2 * t.sf(value, df), rel=1e-6)


def test_a_percentiles_spread_is_the_bootstraps() -> None:
    """The closed form against five thousand resamples."""
    random = Random(3)
    values = sorted(varied(random, 100.0, 0.4) for _ in range(50))
    found = quantile_estimate(values, 0.9)
    assert found is not None
    place = 0.9 * 49
    below = math.floor(place)
    drawn = []
    for _ in range(5_000):
        again = sorted(random.choices(values, k=50))
        drawn.append(math.log(again[below] + (again[below + 1] - again[below]) * (place - below)))
    mean = sum(drawn) / len(drawn)
    variance = sum((one - mean) ** 2 for one in drawn) / len(drawn)
    assert found.variance * 49 / 50 == pytest.approx(variance, rel=0.15)
    assert found.value == pytest.approx(values[below] + (values[below + 1] - values[below]) * (place - below))


def test_a_tail_without_values_has_no_interval() -> None:
    values = [float(number) for number in range(1, 100)]
    assert quantile_estimate(values, 0.99) is None
    assert quantile_estimate([*values, 100.0], 0.99) is not None
    assert mean_estimate(5.0, 0.0, 1) is None
    assert repeat_estimate([5.0]) is None


def test_equal_versions_raise_few_alarms_and_five_percent_is_found() -> None:
    """A fast look; a thousand trials of whole comparisons are in scripts/bench_statistics.py."""
    random, floor = Random(11), floor_variance(0.01)
    alarms = found = 0
    for _ in range(200):
        base = estimate([varied(random, 1.0, 0.15) for _ in range(200)])
        same = estimate([varied(random, 1.0, 0.15) for _ in range(200)])
        slower = estimate([varied(random, 1.05, 0.15) for _ in range(200)])
        alarms += change(base, same, floor).p_value < 0.05
        found += change(base, slower, floor).p_value < 0.05
    assert alarms <= 12
    assert found >= 160


def test_three_repeats_know_little_and_say_so() -> None:
    before, after = repeat_estimate([100.0, 101.0, 99.0]), repeat_estimate([104.0, 105.0, 103.0])
    assert before is not None
    assert after is not None
    found = change(before, after)
    assert found.share == pytest.approx(0.04, abs=1e-3)
    assert found.low < 1.02 < 1.06 < found.high, "wider than a normal distribution would have it"
    assert change(before, before).p_value == 1.0


def test_equal_repeats_without_any_spread() -> None:
    before, after = repeat_estimate([100.0] * 3), repeat_estimate([101.0] * 3)
    assert before is not None
    assert after is not None
    assert change(before, after).p_value == 0.0
    assert change(before, before).p_value == 1.0


def test_pooling_makes_surer() -> None:
    one = mean_estimate(100.0, 15.0, 101)
    assert one is not None
    four = pooled([one] * 4)
    assert four.value == pytest.approx(100.0)
    assert four.variance == pytest.approx(one.variance / 4)
    assert four.df == pytest.approx(400)
    with pytest.raises(ValueError, match="nothing"):
        pooled([])


def test_the_false_discovery_rate_is_the_papers() -> None:
    """The example of Benjamini and Hochberg 1995: the first four of fifteen stand."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.0]
    assert false_discovery(p).count(True) == 4
    assert false_discovery([]) == ()
    assert false_discovery([0.04, 0.9]) == (False, False)


def test_the_noise_floor_is_what_pairs_of_runs_stay_below() -> None:
    random = Random(5)
    groups = [[100.0 * math.exp(random.gauss(0.0, 0.01)) for _ in range(40)] for _ in range(5)]
    floor = noise_floor(groups, [0.0])
    assert floor == pytest.approx(1.96 * math.sqrt(2) * 0.01, rel=0.25)
    assert noise_floor(groups, [1.0]) == 0.002, "all of it is explained by the requests: the least floor"
    assert noise_floor([[1.0, 2.0]], []) is None, "two repeats"


def test_a_burst_of_other_work_makes_the_mean_less_sure() -> None:
    random = Random(8)
    calm = [varied(random, 100.0, 0.15) for _ in range(200)]
    burst = [value * (1.5 if 60 <= place < 100 else 1.0) for place, value in enumerate(calm)]
    assert inflation(calm) == (1.0, None)
    factor, df = inflation(burst)
    assert factor > 5
    assert df == 9
    assert inflation(burst[:19]) == (1.0, None), "too few for blocks"
    assert inflation([7.0] * 50) == (1.0, None)
    quiet = sum(inflation([varied(random, 1.0, 0.5) for _ in range(100)])[1] is not None for _ in range(300))
    assert quiet <= 30, "one in twenty by chance"
