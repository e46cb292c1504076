"""Drawn lengths are the same everywhere and keep to their range."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest

from core.domain.lengths import draw, evenly, normally
from core.domain.workload import Spread


def test_a_length_without_spread_is_itself() -> None:
    assert {draw(1, "in", index, 128, None) for index in range(5)} == {128}


def test_evenly_reaches_both_ends() -> None:
    found = [draw(3, "in", index, 10, Spread(8, 12)) for index in range(400)]
    assert set(found) == {8, 9, 10, 11, 12}
    assert fmean(found) == pytest.approx(10, abs=0.2)


def test_normally_has_its_deviation_and_its_cut() -> None:
    spread = normally(1000, 100)
    assert (spread.low, spread.high) == (700, 1300)
    found = [draw(3, "in", index, 1000, spread) for index in range(2000)]
    assert fmean(found) == pytest.approx(1000, abs=10)
    assert pstdev(found) == pytest.approx(100, abs=8)
    assert min(found) >= 700
    assert max(found) <= 1300


def test_the_same_everywhere() -> None:
    assert [draw(7, "in", index, 100, Spread(1, 1000)) for index in range(3)] == [
        draw(7, "in", index, 100, Spread(1, 1000)) for index in range(3)
    ]
    assert draw(7, "in", 0, 100, Spread(1, 100_000)) != draw(7, "out", 0, 100, Spread(1, 100_000))


@pytest.mark.parametrize(
    ("mean", "share", "spread"), [(128, 0.5, Spread(64, 192)), (1, 0.9, Spread(1, 1)), (3, 0.9, Spread(1, 5))]
)
def test_a_share_on_both_sides(mean: int, share: float, spread: Spread) -> None:
    assert evenly(mean, share) == spread
    assert normally(2, 5).low == 1
