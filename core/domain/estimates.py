"""How long a sweep will take, from what the same endpoint did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from core.domain.benchmark import Measurement
from core.domain.job import Progress
from core.domain.workload import LoadPoint, Workload

POINT_OVERHEAD_S = 1.0
"""Starting the child, opening the connections, storing the result."""


@dataclass(frozen=True)
class Past:
    """One earlier measurement, and the lengths of its workload."""

    measurement: Measurement
    input_tokens: int
    output_tokens: int


def estimate_s(workload: Workload, past: Sequence[Past]) -> float | None:
    """The whole sweep, repeats and warm-ups included; None where any of its points cannot be foreseen.

    A closed loop goes in waves of ``concurrency`` requests, each as long as TTFT + (output tokens - 1) x TPOT. Both are
    taken from the earlier measurement whose concurrency is nearest, TTFT scaled by the input tokens."""
    seconds = [_point_s(point, workload, past) for point in workload.points]
    known = [one for one in seconds if one is not None]
    return sum(known) * workload.repeats if known and len(known) == len(seconds) else None


def left_s(workload: Workload, progress: Progress, past: Sequence[Past]) -> float | None:
    """What is left of a sweep at work: the running point by its own pace, each later one as ``estimate_s`` has it. With
    nothing measured before, later points are taken to answer as fast as the running one does. None where a point cannot
    be foreseen. Steps run through all points, then through all of them again (repeats)."""
    steps = [point for _ in range(workload.repeats) for point in workload.points]
    if not 0 <= progress.step < len(steps):
        return None
    now, later = steps[progress.step], steps[progress.step + 1 :]
    pace = _pace(now, progress)
    running = progress.eta_s if progress.eta_s is not None else _foreseen(now, workload, past, pace)
    seconds = [running, *(_foreseen(point, workload, past, pace) for point in later)]
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(seconds) else None


def _pace(point: LoadPoint, progress: Progress) -> float | None:
    """Seconds that one wave of a closed loop takes now."""
    if not progress.rate_per_s or point.rate_per_s or progress.unit != "requests":
        return None
    return (point.concurrency or 1) / progress.rate_per_s


def _foreseen(point: LoadPoint, workload: Workload, past: Sequence[Past], pace: float | None) -> float | None:
    known = _point_s(point, workload, past)
    if known is not None or pace is None or point.requests is None or point.rate_per_s:
        return known
    return pace * ceil(point.requests / max(1, point.concurrency or 1)) + POINT_OVERHEAD_S


def _point_s(point: LoadPoint, workload: Workload, past: Sequence[Past]) -> float | None:
    wave = _wave_s(point, workload, past)
    warmup = 0.0 if wave is None else wave * ceil(point.warmup / max(1, point.concurrency or 1))
    if point.duration_s is not None:
        return point.duration_s + warmup + (wave or 0.0) + POINT_OVERHEAD_S
    if wave is None or point.requests is None:
        return None
    if point.rate_per_s:
        return point.requests / point.rate_per_s + wave + warmup + POINT_OVERHEAD_S
    return wave * ceil(point.requests / max(1, point.concurrency or 1)) + warmup + POINT_OVERHEAD_S


def _wave_s(point: LoadPoint, workload: Workload, past: Sequence[Past]) -> float | None:
    usable = [one for one in past if one.measurement.ttft_ms and one.measurement.requests.succeeded]
    if not usable:
        return None
    wanted = point.concurrency or 1
    nearest = min(usable, key=lambda one: _distance(one, wanted, workload))
    ttft, tpot = nearest.measurement.ttft_ms, nearest.measurement.tpot_ms
    ttft_ms = (ttft.mean if ttft else 0.0) * workload.mean_input / max(1, nearest.input_tokens)
    output_tokens = (workload.dataset and workload.dataset.output_tokens) or workload.output_tokens
    return (ttft_ms + (output_tokens - 1) * (tpot.mean if tpot else 0.0)) / 1000.0


def _distance(one: Past, concurrency: int, workload: Workload) -> tuple[float, int]:
    """By concurrency as a ratio, then by the lengths."""
    other = max(1, one.measurement.concurrency or one.measurement.peak_in_flight or 1)
    lengths = abs(one.input_tokens - workload.input_tokens) + abs(one.output_tokens - workload.output_tokens)
    return max(other / concurrency, concurrency / other), lengths
