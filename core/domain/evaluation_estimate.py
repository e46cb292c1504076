"""How long an evaluation will take, from what earlier ones took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def _stream_s(one: PastScore) -> float | None:
    """What one request takes of one stream."""
    asked = one.row.n + one.row.unscored
    if one.row.duration_s is None or asked == 0:
        return None
    return max(0.0, one.row.duration_s - _STARTUP_S) * one.batch_size / asked
