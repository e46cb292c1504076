"""The noise floor: by how much two runs of the same thing differ, beside what their requests explain.

Requests that share a batch, a clock speed and a moment are not independent, so that their spread alone promises too
much. The floor says how much is left, measured by doing the same several times (an A/A test)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.domain.statistics import student
from core.domain.statistics.estimates import LEVEL

DEFAULT_FLOOR = 0.01
"""Until it is measured."""
LEAST_FLOOR = 0.002
"""Nobody should act on less, however quiet the machine was."""
LEAST_REPEATS = 3


def floor_variance(share: float) -> float:
    """What a floor adds to the variance of the logarithm of a ratio."""
    return (math.log1p(share) / student.quantile(LEVEL, math.inf)) ** 2


def noise_floor(groups: Sequence[Sequence[float]], explained: Sequence[float]) -> float | None:
    """From repeats of the same load points: ``groups`` holds one figure's values, a group per load point, ``explained``
    the variance of each value's logarithm that its requests account for. The variance between repeats that is left
    becomes the difference that two single runs stay below 95 % of the time; the load points of a repeat share its
    moment, so that they do not make it surer. None below three repeats."""
    usable = [
        [math.log(value) for value in group] for group in groups if len(group) >= LEAST_REPEATS and min(group) > 0
    ]
    df = sum(len(group) - 1 for group in usable)
    if not df:
        return None
    squares = math.fsum((log - math.fsum(group) / len(group)) ** 2 for group in usable for log in group)
    known = math.fsum(explained) / len(explained) if explained else 0.0
    left = max(0.0, squares / df - known)
    sure = student.quantile(LEVEL, max(len(group) for group in usable) - 1)
    return max(LEAST_FLOOR, math.expm1(sure * math.sqrt(2.0 * left)))
