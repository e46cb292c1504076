"""A figure with its uncertainty, and the change between two. Everything happens on a log scale: a change is a ratio.

The uncertainty of a mean or a percentile over requests is the bootstrap's, in its closed form: what the spread over all
possible resamples would be, without drawing any (the "ideal bootstrap", Efron and Tibshirani 1993, chapter 6; for
percentiles Maritz and Jarrett 1978). Intervals and p values come from Student's t with Welch's degrees of freedom
(Welch 1947): a percentile bootstrap of three repeats would be far too narrow (Hesterberg 2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.domain.statistics import student

LEVEL = 0.95
"""Of every interval that is shown."""

_STEPS = 2_000
_REACH = 8.0  # standard deviations of the order statistic's place: all weights but one in 10^14


@dataclass(frozen=True)
class Estimate:
    """A positive figure: its logarithm, the variance of that, how well the variance is known (``df``), and the number
    of values behind it (requests, or repeats)."""

    log: float
    variance: float
    df: float
    n: int

    @property
    def value(self) -> float:
        """The figure in its own unit."""
        return math.exp(self.log)


@dataclass(frozen=True)
class Change:
    """Candidate over baseline: 1.05 is 5 % more. ``low`` to ``high`` is the interval at LEVEL. ``p_value``: how often
    two equal versions would differ by as much."""

    ratio: float
    low: float
    high: float
    p_value: float

    @property
    def share(self) -> float:
        """+0.05 for 5 % more."""
        return self.ratio - 1.0


def mean_estimate(mean: float, std: float, n: int) -> Estimate | None:
    """Of a mean over ``n`` requests with the population's ``std``, by the delta method; None below two requests."""
    if n < 2 or mean <= 0.0 or not math.isfinite(mean + std):
        return None
    return Estimate(math.log(mean), (std / mean) ** 2 / (n - 1), n - 1, n)


def quantile_estimate(ordered: Sequence[float], share: float) -> Estimate | None:
    """Of a percentile of an ascending sequence of positive values. None where fewer than one value is expected beyond
    it: nothing is known of its spread then. The degrees of freedom count the values on its thinner side."""
    n = len(ordered)
    beyond = n * min(share, 1.0 - share)
    if beyond < 1.0 or n < 3 or ordered[0] <= 0.0:
        return None
    first, weights = _weights(n, share)
    logs = [math.log(value) for value in ordered[first : first + len(weights)]]
    middle = math.fsum([w * y for w, y in zip(weights, logs, strict=True)])
    variance = math.fsum([w * (y - middle) ** 2 for w, y in zip(weights, logs, strict=True)])
    position = share * (n - 1)
    below = math.floor(position)
    above = min(below + 1, n - 1)
    value = ordered[below] + (ordered[above] - ordered[below]) * (position - below)
    return Estimate(math.log(value), variance * n / (n - 1), max(1.0, 2.0 * beyond), n)


@lru_cache(maxsize=512)
def _weights(n: int, share: float) -> tuple[int, tuple[float, ...]]:
    """How often each value is the percentile of a resample: the law of a uniform order statistic, which is a beta."""
    a = share * (n - 1) + 1.0
    b = n + 1.0 - a
    spread = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1.0)))
    first = max(0, math.floor((a / (a + b) - _REACH * spread) * n))
    last = min(n, math.ceil((a / (a + b) + _REACH * spread) * n))
    fine = max(1, _STEPS // n)
    width = 1.0 / (n * fine)
    raw = [
        math.fsum(
            math.exp((a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x) - _peak(a, b))
            for x in ((place * fine + part + 0.5) * width for part in range(fine))
        )
        for place in range(first, last)
    ]
    total = math.fsum(raw)
    return first, tuple(weight / total for weight in raw)


def _peak(a: float, b: float) -> float:
    """The logarithm of the density's highest value, so that nothing under- or overflows."""
    mode = min(max((a - 1.0) / (a + b - 2.0), 1e-9), 1.0 - 1e-9)
    return (a - 1.0) * math.log(mode) + (b - 1.0) * math.log1p(-mode)


def repeat_estimate(values: Sequence[float]) -> Estimate | None:
    """Of a figure that was measured in several repeats, each of which is one value; None below two, or where one of
    them is not positive. Their mean is the geometric one."""
    if len(values) < 2 or min(values) <= 0.0:
        return None
    logs = [math.log(value) for value in values]
    middle = math.fsum(logs) / len(logs)
    variance = math.fsum([(log - middle) ** 2 for log in logs]) / (len(logs) - 1)
    return Estimate(middle, variance / len(logs), len(logs) - 1, len(logs))


def pooled(estimates: Sequence[Estimate]) -> Estimate:
    """The geometric mean of independent figures, such as one metric at every load. Raises ValueError for none."""
    if not estimates:
        raise ValueError("the mean of nothing")
    count = len(estimates)
    variance = math.fsum([one.variance for one in estimates]) / count**2
    return Estimate(
        log=math.fsum([one.log for one in estimates]) / count,
        variance=variance,
        df=_welch([(one.variance / count**2, one.df) for one in estimates], variance),
        n=sum(one.n for one in estimates),
    )


def change(baseline: Estimate, candidate: Estimate, extra_variance: float = 0.0) -> Change:
    """From baseline to candidate. ``extra_variance`` is what separates two runs of the same thing beside their
    requests (see noise.py); it counts as known."""
    variance = baseline.variance + candidate.variance + extra_variance
    df = _welch([(baseline.variance, baseline.df), (candidate.variance, candidate.df)], variance)
    difference, error = candidate.log - baseline.log, math.sqrt(variance)
    reach = student.quantile(LEVEL, df) * error
    return Change(
        ratio=math.exp(difference),
        low=math.exp(difference - reach),
        high=math.exp(difference + reach),
        p_value=_p_value(difference, error, df),
    )


def _p_value(difference: float, error: float, df: float) -> float:
    if difference == 0.0:
        return 1.0
    return student.two_sided_p(difference / error, df) if error > 0.0 else 0.0


def _welch(parts: Sequence[tuple[float, float]], total: float) -> float:
    """Welch and Satterthwaite, rounded to a tenth so that quantiles can be remembered."""
    below = math.fsum([variance**2 / df for variance, df in parts])
    return max(1.0, round(total**2 / below, 1)) if below > 0.0 else 1e9
