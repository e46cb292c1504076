"""Percentiles and summaries, defined once. Linear interpolation between closest ranks, as NumPy does by default."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from core.domain.benchmark import Distribution


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of an ascending, non-empty sequence lies.

    Position ``share * (n - 1)``, interpolated linearly (Hyndman and Fan 1996, definition 7). Raises ValueError for an
    empty sequence or a share outside 0..1.
    """
    if not ordered:
        raise ValueError("a percentile of nothing")
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share {share} is outside 0..1")
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def summarize(values: Iterable[float]) -> Distribution | None:
    """The summary of some values, None where there are none. ``std`` is the population's, as in vLLM's reports."""
    ordered = sorted(values)
    if not ordered:
        return None
    mean = math.fsum(ordered) / len(ordered)
    variance = math.fsum([(value - mean) ** 2 for value in ordered]) / len(ordered)
    return Distribution(
        n=len(ordered),
        mean=mean,
        std=math.sqrt(variance),
        min=ordered[0],
        max=ordered[-1],
        p50=percentile(ordered, 0.50),
        p90=percentile(ordered, 0.90),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
    )
