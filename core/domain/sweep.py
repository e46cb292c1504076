"""When a sweep ends before its last point: the load has passed the server's peak, or broken the service level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from core.domain.benchmark import Distribution, Measurement
from core.domain.workload import Slo, Workload

PEAK_GAIN = 0.03
"""Two points in a row that add less than this to the best output rate before them: the peak is passed."""
_PEAK_POINTS = 2


@dataclass(frozen=True)
class Stop:
    """Where a sweep ended by itself. ``code``: peak, slo or failures. ``point_index``: the last one measured."""

    code: str
    point_index: int


def stop_of(workload: Workload, measured: Sequence[Measurement]) -> Stop | None:
    """By the points that are measured, in the workload's order: the same answer after any restart. Only a point's first
    repeat decides, so that every repeat measures the same points."""
    if not (workload.stop_at_peak or workload.stop_at_slo):
        return None
    firsts = {one.point_index: one for one in measured if one.repeat == 0}
    best, flat = 0.0, 0
    for point in workload.points:
        found = firsts.get(point.index)
        if found is None:
            return None
        if not found.is_sound:
            return Stop("failures", point.index)
        if workload.stop_at_slo and workload.slo and broken_limits([found], workload.slo):
            return Stop("slo", point.index)
        flat = flat + 1 if best and found.output_tokens_per_s < best * (1 + PEAK_GAIN) else 0
        best = max(best, found.output_tokens_per_s)
        if workload.stop_at_peak and flat >= _PEAK_POINTS:
            return Stop("peak", point.index)
    return None


def broken_limits(repeats: Sequence[Measurement], slo: Slo) -> Mapping[str, float]:
    """Which limits the chosen percentile does not keep, each with its value in ms (the middle one of the repeats). What
    was not measured breaks nothing."""
    broken = {}
    for name, limit in slo.limits_ms:
        values = [at(found, slo.percentile) for one in repeats if (found := getattr(one, name)) is not None]
        if values and median(values) > limit:
            broken[name] = median(values)
    return broken


def at(found: Distribution, percentile: int) -> float:
    """The value at a percentile that is kept, or the next higher one that is: a limit is judged strictly."""
    kept = ((50, found.p50), (90, found.p90), (95, found.p95), (99, found.p99))
    return next(value for number, value in kept if percentile <= number)
