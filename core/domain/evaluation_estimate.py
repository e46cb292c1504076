"""How long an evaluation will take, from what earlier ones took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from core.domain.estimates import Past
from core.domain.evaluation import EvaluationRequest, PlannedDataset, ScoreRow

_STARTUP_S = 10.0
"""A child imports EvalScope and writes its report."""


@dataclass(frozen=True)
class PastScore:
    """A dataset's figures, and how many requests were in flight."""

    row: ScoreRow
    batch_size: int


def estimate_s(
    request: EvaluationRequest, planned: Sequence[PlannedDataset], past: Sequence[PastScore]
) -> float | None:
    """Seconds: each dataset by what it took before, else by the mean of all. None where nothing was asked of this
    endpoint yet, or a dataset does not tell its size. Twice the requests in flight are taken to halve the time."""
    usable = [one for one in past if one.row.subset is None and one.row.is_primary and _stream_s(one) is not None]
    if not usable or any(one.requests is None for one in planned):
        return None
    total = 0.0
    for dataset in planned:
        same = [one for one in usable if one.row.dataset == dataset.choice.key] or usable
        seconds = [value for value in map(_stream_s, same) if value is not None]
        total += _STARTUP_S + (dataset.requests or 0) * sum(seconds) / len(seconds) / request.batch_size
    return total


def most_s(request: EvaluationRequest, planned: Sequence[PlannedDataset], past: Sequence[Past]) -> float | None:
    """Seconds at most, before anything was evaluated: from the measured point whose concurrency is nearest to the batch
    size, with every answer as long as max_tokens. None where nothing was measured, or a dataset tells no size."""
    usable = [one for one in past if one.measurement.ttft_ms and one.measurement.tpot_ms]
    if not usable or any(one.requests is None for one in planned):
        return None
    nearest = min(usable, key=lambda one: abs((one.measurement.concurrency or 1) - request.batch_size))
    ttft, tpot = nearest.measurement.ttft_ms, nearest.measurement.tpot_ms
    answer_ms = (tpot.mean if tpot else 0.0) * (request.max_tokens - 1)
    total = 0.0
    for dataset in planned:
        longer = (dataset.input_tokens or 0) / max(1, dataset.requests or 1) / max(1, nearest.input_tokens)
        first_ms = (ttft.mean if ttft else 0.0) * max(1.0, longer)
        waves = ceil((dataset.requests or 0) / request.batch_size)
        total += _STARTUP_S + waves * (first_ms + answer_ms) / 1000.0
    return total


def _stream_s(one: PastScore) -> float | None:
    """What one request takes of one stream."""
    asked = one.row.n + one.row.unscored
    if one.row.duration_s is None or asked == 0:
        return None
    return max(0.0, one.row.duration_s - _STARTUP_S) * one.batch_size / asked
