"""Lengths that vary: drawn again the same from seed, kind and index, on any machine."""

from __future__ import annotations

from hashlib import blake2b

from core.domain.workload import Spread

_BITS = 53
_CUT = 3


def draw(seed: int, name: str, index: int, mean: int, spread: Spread | None) -> int:
    """Tokens of the request with this index: ``mean``, or drawn from the spread. ``name`` tells inputs from outputs."""
    if spread is None or spread.low >= spread.high:
        return mean if spread is None else spread.low
    share = _share(f"{seed}/{name}/{index}")
    if spread.std is None:
        return spread.low + int(share * (spread.high - spread.low + 1))
    return min(spread.high, max(spread.low, round(mean + spread.std * _normal(share))))


def evenly(mean: int, share: float) -> Spread:
    """From ``share`` below the mean to as much above it."""
    low = max(1, round(mean * (1 - share)))
    return Spread(low, max(low, 2 * mean - low))


def normally(mean: int, std: float) -> Spread:
    """Around the mean, cut at three standard deviations and at one token."""
    return Spread(max(1, round(mean - _CUT * std)), max(1, round(mean + _CUT * std)), float(std))


def _share(text: str) -> float:
    """Uniform in 0..1, neither end included."""
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> (64 - _BITS)
    return (number + 0.5) / (1 << _BITS)


def _normal(share: float) -> float:
    """The standard normal value below which ``share`` lies."""
    from statistics import NormalDist  # imported where it is needed: it takes a while

    return NormalDist().inv_cdf(share)
