"""Evaluations in the results database, and the questions that people bring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from core.domain.evaluation import DatasetOutcome, EvaluationRequest, Sample, ScoreRow


class EvaluationStore(Protocol):
    """What an evaluation asked, scored and answered, beside its row in ``runs``."""

    def add(self, run_id: str, request: EvaluationRequest) -> None:
        """With the run, in one transaction."""
        ...

    def request(self, run_id: str) -> EvaluationRequest:
        """Raises NotFoundError."""
        ...

    def save(self, run_id: str, outcome: DatasetOutcome, samples: Iterable[Sample]) -> bool:
        """One dataset, whole: its report, its score rows and every sample, read once. Unique by (run, dataset): a
        complete one stays and False is returned; a partial one is replaced by what came later."""
        ...

    def is_complete(self, run_id: str, dataset: str) -> bool:
        """Whether the dataset is there and not partial."""
        ...

    def scores(self, run_id: str) -> tuple[ScoreRow, ...]:
        """In the order in which the datasets were asked, the whole dataset before its subsets."""
        ...
