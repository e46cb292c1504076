"""Evaluations in the results database, and the questions that people bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from core.domain.benchmark import Page
from core.domain.evaluation import DatasetOutcome, EvaluationRequest, Sample, ScoreRow
from core.domain.evaluation_import import FoundEvaluation
from core.domain.evaluation_reading import (
    DatasetScores,
    LeadRow,
    Mark,
    SampleDetail,
    SampleFilter,
    SampleRow,
    Speed,
    Tally,
)
from core.domain.evaluation_scores import Conditions, Ending
from core.domain.leaderboard import Standings


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

    def datasets(self, run_id: str) -> tuple[DatasetScores, ...]:
        """The same by dataset, with the conditions of each; empty for a run without any."""
        ...

    def tallies(self, run_id: str) -> tuple[Tally, ...]: ...
    def samples(
        self,
        run_id: str,
        wanted: SampleFilter,
        offset: int,
        limit: int,
        among: Mapping[str, Sequence[int]] | None = None,
    ) -> Page[SampleRow]: ...
    def sample(self, run_id: str, dataset: str, number: int) -> SampleDetail:
        """One, whole. Raises NotFoundError."""
        ...

    def whole_samples(self, run_id: str, dataset: str) -> Sequence[tuple[int, Ending, Sample]]: ...
    def marks(self, run_id: str, dataset: str) -> tuple[Mark, ...]: ...
    def numbered(self, run_id: str, dataset: str, numbers: Sequence[int]) -> Mapping[int, SampleRow]:
        """Some samples of a dataset by number; at most 500."""
        ...

    def standings(self, run_ids: Sequence[str] | None = None) -> Standings:
        """The newest score of every version on every board. With ``run_ids`` these evaluations alone, archived or
        not."""
        ...

    def standings_version(self) -> int:
        """Grows with every write that standings, their rows or their history could show; no other."""
        ...

    def conditions(self) -> Mapping[str, Conditions]:
        """Every set of conditions under which something was scored, by its key."""
        ...

    def leads(self, conditions_key: str, run_ids: Sequence[str]) -> Mapping[str, LeadRow]:
        """Some evaluations' primary scores under these conditions, by run."""
        ...

    def history(self, model: str, conditions_key: str, limit: int = 500) -> tuple[LeadRow, ...]:
        """Every evaluation of a model under these conditions, the oldest first."""
        ...

    def speeds(self) -> Mapping[str, Speed]:
        """The best throughput of every version that was swept, by its key."""
        ...


class EvaluationFolders(Protocol):
    """What EvalScope left elsewhere."""

    def find(self, folder: Path) -> tuple[FoundEvaluation, ...]:
        """Every evaluation in a folder and below. Raises BadInput (folder_missing, folder_not_evalscope: value)."""
        ...

    def samples(self, found: FoundEvaluation, dataset: str) -> Iterator[Sample]:
        """One dataset's, a line at a time."""
        ...
