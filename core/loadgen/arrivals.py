"""When an open loop's requests are due."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from core.domain.workload import Arrival


def arrivals(arrival: Arrival, rate_per_s: float, seed: int) -> Iterator[float]:
    """Seconds after the start, without end. Constant: one every ``1 / rate``, the first at once. Poisson: gaps drawn
    from the exponential distribution, reproducibly. Raises ValueError for a closed loop, which has no schedule."""
    if arrival is Arrival.CONSTANT:
        return (number / rate_per_s for number in count())
    if arrival is Arrival.POISSON:
        return _poisson(rate_per_s, seed)
    raise ValueError("a closed loop has no arrivals")


def _poisson(rate_per_s: float, seed: int) -> Iterator[float]:
    from random import Random  # imported where it is needed: it takes a while

    draws, now = Random(seed), 0.0
    while True:
        now += draws.expovariate(rate_per_s)
        yield now
