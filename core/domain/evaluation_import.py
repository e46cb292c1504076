"""Evaluations that were made elsewhere, as they are found in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain.evaluation import DatasetOutcome, EvaluationRequest


@dataclass(frozen=True)
class FoundEvaluation:
    """One model in one output folder of EvalScope. ``digest`` is of its reports: the same evaluation, found again, has
    the same. ``base_url`` and versions are None where no configuration was saved."""

    folder: str
    digest: str
    model: str
    base_url: str | None
    evalscope_version: str | None
    measured_at: datetime
    request: EvaluationRequest
    outcomes: tuple[DatasetOutcome, ...]


@dataclass(frozen=True)
class ImportedEvaluation:
    """What became of one. ``is_new`` False: it was here already, and nothing was written."""

    run_id: str
    model: str
    datasets: tuple[str, ...]
    is_new: bool
