"""What came out of evaluations: one of them, or two side by side. Reads alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.domain.accuracy_statistics import DEFAULT_MARGIN
from core.domain.benchmark import Page, RunHead, RunKind, RunRow
from core.domain.evaluation import EvaluationRequest, Sample
from core.domain.evaluation_pairs import Flip, PairedScores, pair
from core.domain.evaluation_reading import (
    DatasetScores,
    SampleDetail,
    SampleFilter,
    SampleRow,
    Show,
    Tally,
    whole_tally,
)
from core.domain.evaluation_scores import Ending
from core.domain.history import Facet, RunFilter
from core.domain.job import JobView
from core.domain.score_health import Health, health_of
from core.ports import ArtifactRow, Store

_KEPT_COMPARISONS = 16


class JobViews(Protocol):
    """The part of the job service that an evaluation needs."""

    def view(self, job_id: str) -> JobView: ...


@dataclass(frozen=True)
class EvaluationDetail:
    """One evaluation as its page shows it. ``healths`` are in the order of ``datasets``; ``asked`` names the datasets
    that were to be asked, also those that have no scores yet."""

    run: RunHead
    request: EvaluationRequest
    datasets: tuple[DatasetScores, ...]
    healths: tuple[Health, ...]
    tallies: tuple[Tally, ...]
    artifacts: tuple[ArtifactRow, ...]
    job: JobView | None

    @property
    def asked(self) -> tuple[str, ...]:
        """In the order of the request."""
        return tuple(choice.key for choice in self.request.datasets)

    @property
    def wholes(self) -> tuple[Tally, ...]:
        """What became of the questions by dataset, with those of which no sample was kept."""
        leads = {found.dataset: found.lead for found in self.datasets}
        return tuple(
            whole_tally([tally for tally in self.tallies if tally.dataset == name], leads[name])
            for name in dict.fromkeys(tally.dataset for tally in self.tallies)
            if name in leads
        )

    @property
    def is_imported(self) -> bool:
        """Whether it was made elsewhere."""
        return "imported_at" in self.run.provenance


@dataclass(frozen=True)
class EvaluationComparison:
    """``before`` is the baseline. Datasets that only one of them has are named, not compared."""

    before: RunHead
    after: RunHead
    datasets: tuple[PairedScores, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


@dataclass(frozen=True)
class FlipRow:
    """A flipped question as both answered it."""

    flip: Flip
    before: SampleRow
    after: SampleRow


class EvaluationResultService:
    """For pages and shell."""

    def __init__(self, store: Store, jobs: JobViews) -> None:
        self._store = store
        self._jobs = jobs
        self._comparisons: dict[tuple[str, str, float, int], EvaluationComparison] = {}

    # ------------------------------------------------------------ one evaluation

    def evaluation(self, run_id: str) -> EvaluationDetail:
        """Raises NotFoundError, also for a run that is none."""
        request = self._store.evaluations.request(run_id)
        run, datasets = self._store.runs.head(run_id), self._store.evaluations.datasets(run_id)
        return EvaluationDetail(
            run=run,
            request=request,
            datasets=datasets,
            healths=tuple(health_of(dataset, request) for dataset in datasets),
            tallies=self._store.evaluations.tallies(run_id),
            artifacts=self._store.artifacts.list(run_id),
            job=self._jobs.view(run.job_id) if run.job_id else None,
        )

    def run(self, run_id: str) -> RunHead:
        """Whose samples they are. Raises NotFoundError."""
        return self._store.runs.head(run_id)

    def samples(self, run_id: str, wanted: SampleFilter, offset: int = 0, limit: int = 25) -> Page[SampleRow]:
        """A page of samples; their texts are cut to a line. Raises NotFoundError for an ``against`` that is none."""
        if wanted.show is not Show.FLIPPED or wanted.against is None:
            return self._store.evaluations.samples(run_id, wanted, offset, limit)
        found = self.compare(wanted.against, run_id)
        flipped = {pair.dataset: [flip.after for flip in pair.flips] for pair in found.datasets}
        return self._store.evaluations.samples(run_id, wanted, offset, limit, flipped)

    def sample(self, run_id: str, dataset: str, number: int) -> SampleDetail:
        """One sample, whole. Raises NotFoundError."""
        return self._store.evaluations.sample(run_id, dataset, number)

    def whole_samples(self, run_id: str, dataset: str) -> Sequence[tuple[int, Ending, Sample]]:
        """Every sample of a dataset, whole, for a file."""
        return self._store.evaluations.whole_samples(run_id, dataset)

    def recent(self, limit: int = 50) -> tuple[RunRow, ...]:
        """Evaluations, the newest first: what one can be compared with."""
        where = RunFilter(facets={Facet.KIND: RunKind.EVALUATION.value})
        return self._store.runs.page(0, limit, where).rows

    # ------------------------------------------------------------ two evaluations

    def compare(self, before_id: str, after_id: str, margin: float = DEFAULT_MARGIN) -> EvaluationComparison:
        """Question by question where both asked the same; kept until something is written. Raises NotFoundError."""
        key = (before_id, after_id, margin, self._store.data_version())
        if key not in self._comparisons:
            if len(self._comparisons) >= _KEPT_COMPARISONS:
                self._comparisons.clear()
            self._comparisons[key] = self._compare(before_id, after_id, margin)
        return self._comparisons[key]

    def _compare(self, before_id: str, after_id: str, margin: float) -> EvaluationComparison:
        before, after = self.evaluation(before_id), self.evaluation(after_id)
        theirs = {found.dataset: found for found in after.datasets}
        paired = [
            self._pair(before_id, after_id, found, theirs[found.dataset], margin)
            for found in before.datasets
            if found.dataset in theirs
        ]
        ours = {found.dataset for found in before.datasets}
        return EvaluationComparison(
            before=before.run,
            after=after.run,
            datasets=tuple(found for found in paired if found is not None),
            only_before=tuple(name for name in before.asked if name not in theirs),
            only_after=tuple(name for name in after.asked if name not in ours),
        )

    def _pair(
        self, before_id: str, after_id: str, before: DatasetScores, after: DatasetScores, margin: float
    ) -> PairedScores | None:
        marks = self._store.evaluations.marks
        return pair(before, after, marks(before_id, before.dataset), marks(after_id, after.dataset), margin)

    def flips(self, found: EvaluationComparison, dataset: str, flips: Sequence[Flip]) -> tuple[FlipRow, ...]:
        """Some flips of a comparison with both sides' samples; at most 500."""
        numbered = self._store.evaluations.numbered
        before = numbered(found.before.id, dataset, [flip.before for flip in flips])
        after = numbered(found.after.id, dataset, [flip.after for flip in flips])
        return tuple(
            FlipRow(flip, before[flip.before], after[flip.after])
            for flip in flips
            if flip.before in before and flip.after in after
        )
