"""Summaries, uncertainty, and whether two figures differ. Standard library only, and no random numbers: where a
bootstrap has a closed form, that is used, so that the same runs always give the same answer, within microseconds."""

from core.domain.statistics.blocks import inflation
from core.domain.statistics.corrections import false_discovery
from core.domain.statistics.estimates import (
    LEVEL,
    Change,
    Estimate,
    change,
    mean_estimate,
    pooled,
    quantile_estimate,
    repeat_estimate,
)
from core.domain.statistics.noise import DEFAULT_FLOOR, floor_variance, noise_floor
from core.domain.statistics.summary import percentile, summarize

__all__ = [
    "DEFAULT_FLOOR",
    "LEVEL",
    "Change",
    "Estimate",
    "change",
    "false_discovery",
    "floor_variance",
    "inflation",
    "mean_estimate",
    "noise_floor",
    "percentile",
    "pooled",
    "quantile_estimate",
    "repeat_estimate",
    "summarize",
]
