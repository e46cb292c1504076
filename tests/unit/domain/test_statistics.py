from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.seeds import point_seed
from core.domain.statistics import percentile, summarize

FINITE = st.floats(min_value=-1e9, max_value=1e9)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 2.0, 3.0, 4.0], 0.25, 1.75),
        ([10.0, 20.0, 30.0], 0.0, 10.0),
        ([10.0, 20.0, 30.0], 1.0, 30.0),
    ],
)
def test_percentiles_interpolate_between_closest_ranks(values, share, expected):
    assert percentile(values, share) == pytest.approx(expected)


def test_percentiles_of_a_hundred_values_are_numpys():
    numpy = pytest.importorskip("numpy")
    values = sorted(((n * 37) % 101) ** 1.5 for n in range(100))
    for share in (0.5, 0.9, 0.95, 0.99):
        assert percentile(values, share) == pytest.approx(numpy.percentile(values, share * 100))


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1)])
def test_a_percentile_that_cannot_be(values, share):
    with pytest.raises(ValueError, match=r"percentile|share"):
        percentile(values, share)


def test_a_summary_of_nothing_is_none():
    assert summarize([]) is None


def test_a_summary():
    summary = summarize([4.0, 2.0, 6.0])
    assert (summary.n, summary.mean, summary.min, summary.max, summary.p50) == (3, 4.0, 2.0, 6.0, 4.0)
    assert summary.std == pytest.approx(1.632993, abs=1e-6)


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_a_summary_is_in_order(values):
    summary = summarize(values)
    ordered = [summary.min, summary.p50, summary.p90, summary.p95, summary.p99, summary.max]
    assert ordered == sorted(ordered)


def test_seeds_differ_by_run_point_and_repeat():
    seeds = {point_seed(run, point, repeat) for run in range(5) for point in range(10) for repeat in range(5)}
    assert len(seeds) == 250
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_seed_is_the_same_everywhere():
    assert point_seed(7, 0, 0) == 1139708056
