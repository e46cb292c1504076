"""Many comparisons at once: with fifty figures side by side, two or three would stand out by chance."""

from __future__ import annotations

from collections.abc import Sequence


def false_discovery(p_values: Sequence[float], rate: float = 0.05) -> tuple[bool, ...]:
    """Which of them stand, so that at most a share ``rate`` of those that do is expected to be chance, and so that two
    equal versions show any difference at all at most that often (Benjamini and Hochberg 1995)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    kept = 0
    for rank, place in enumerate(order, start=1):
        if p_values[place] <= rate * rank / len(p_values):
            kept = rank
    standing = set(order[:kept])
    return tuple(place in standing for place in range(len(p_values)))
