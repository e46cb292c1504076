"""Student's t distribution: few values know their own spread badly, and its tails say how badly."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_MANY_DF = 2_000.0  # from here on the normal distribution differs by less than 0.1 %
_TERMS = 300
_TINY = 1e-300


def two_sided_p(t: float, df: float) -> float:
    """How often a t of this size or more comes up by chance; ``df`` may be a fraction, as Welch's is."""
    if math.isinf(t):
        return 0.0
    if df >= _MANY_DF:
        return 2.0 * _NORMAL.cdf(-abs(t))
    return incomplete_beta(df / 2.0, 0.5, df / (df + t * t))


@lru_cache(maxsize=4096)
def quantile(level: float, df: float) -> float:
    """The t that a share ``level`` of the distribution lies within, on both sides: 1.96 for 0.95 and many values."""
    if df >= _MANY_DF:
        return _NORMAL.inv_cdf(0.5 + level / 2.0)
    low, high = 0.0, 2.0
    while two_sided_p(high, df) > 1.0 - level:
        low, high = high, high * 2.0
    for _ in range(48):
        middle = (low + high) / 2.0
        low, high = (middle, high) if two_sided_p(middle, df) > 1.0 - level else (low, middle)
    return (low + high) / 2.0


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction (Numerical Recipes, section 6.4)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or _TINY)
    product = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d or _TINY)
            c = 1.0 + term / c or _TINY
            product *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return product
