"""The Pareto frontier: the points to which no other is better in both, speed and wait."""

from __future__ import annotations

from collections.abc import Sequence


def frontier(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Of points (cost, gain), the places of those that no other point beats, by rising cost: no other has at most the
    cost and at least the gain, and is better in one of them."""
    order = sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1]))
    kept: list[int] = []
    best = float("-inf")
    for place in order:
        if points[place][1] > best:
            kept.append(place)
            best = points[place][1]
    return tuple(kept)
