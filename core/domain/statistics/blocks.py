"""Requests that follow one another are not independent: they share batches, clock speeds, a neighbour's burst of work.
How far that goes shows in blocks of time: where their means scatter more than the requests alone allow, that scatter is
the uncertainty (the method of batch means: Law and Kelton, Simulation Modeling and Analysis)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = 10
_LEAST_BLOCKS, _LEAST_SIZE = 5, 4
_CHANCE = {5: 2.37, 6: 2.21, 7: 2.10, 8: 2.01, 9: 1.94, 10: 1.88}
"""By number of blocks: the ratio of variances that 95 of 100 independent sequences stay below (chi-squared over its
degrees of freedom)."""


def inflation(values: Sequence[float]) -> tuple[float, float | None]:
    """Of values in the order of time: by what the variance of their mean is larger than independence says, and the
    degrees of freedom that this is known with. (1, None) where the blocks scatter as chance lets them, or are few."""
    count = min(BLOCKS, len(values) // _LEAST_SIZE)
    if count < _LEAST_BLOCKS:
        return 1.0, None
    mean = math.fsum(values) / len(values)
    independent = math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1) / len(values)
    cuts = [place * len(values) // count for place in range(count + 1)]
    means = [math.fsum(values[low:high]) / (high - low) for low, high in pairwise(cuts)]
    middle = math.fsum(means) / count
    blocked = math.fsum([(one - middle) ** 2 for one in means]) / (count - 1) / count
    ratio = blocked / independent if independent > 0.0 else 1.0
    return (ratio, count - 1.0) if ratio > _CHANCE[count] else (1.0, None)
