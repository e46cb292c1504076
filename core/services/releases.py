"""The release card: two versions of a model, their speed and their answers, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.benchmark import RunKind, RunRow
from core.domain.comparison import Comparison, Pair
from core.domain.config_diff import DiffRow
from core.domain.history import Facet, RunFilter
from core.ports import Store
from core.services.comparisons import ComparisonService
from core.services.evaluation_results import EvaluationComparison, EvaluationResultService
from core.services.kept import Kept

_LATEST = 25
_KEPT_CARDS = 8


@dataclass(frozen=True)
class ReleaseCard:
    """``accuracy`` None: no evaluations of both versions ask the same. ``evaluated`` says of which side there is one:
    baseline, candidate."""

    comparison: Comparison
    configuration: tuple[DiffRow, ...]
    accuracy: EvaluationComparison | None
    evaluated: tuple[bool, bool]

    @property
    def pair(self) -> Pair:
        """The only one."""
        return self.comparison.pairs[0]


class ReleaseService:
    """Reads alone."""

    def __init__(self, store: Store, comparisons: ComparisonService, evaluations: EvaluationResultService) -> None:
        self._store = store
        self._comparisons = comparisons
        self._evaluations = evaluations
        self._cards: Kept[tuple[str, str, int], ReleaseCard] = Kept(_KEPT_CARDS)

    def card(self, baseline_id: str, candidate_id: str) -> ReleaseCard:
        """Of two benchmark runs, and the latest evaluations of the same two versions. Raises NotFoundError, BadInput
        (see ComparisonService.compare)."""
        key = (baseline_id, candidate_id, self._store.data_version())
        return self._cards.get(key, lambda: self._card(baseline_id, candidate_id))

    def _card(self, baseline_id: str, candidate_id: str) -> ReleaseCard:
        found = self._comparisons.compare([candidate_id], baseline_id)
        before = self._evaluated(found.baseline.version.key)
        after = self._evaluated(found.pairs[0].candidate.version.key)
        return ReleaseCard(
            comparison=found,
            configuration=self._comparisons.configuration(found),
            accuracy=self._accuracy(before, after),
            evaluated=(bool(before), bool(after)),
        )

    def _evaluated(self, version_key: str) -> tuple[RunRow, ...]:
        """Evaluations of a version that have scores, the newest first."""
        where = RunFilter(facets={Facet.KIND: RunKind.EVALUATION.value, Facet.VERSION: version_key})
        return tuple(row for row in self._store.runs.page(0, _LATEST, where).rows if row.points_done)

    def _accuracy(self, before: Sequence[RunRow], after: Sequence[RunRow]) -> EvaluationComparison | None:
        """The newest two that ask the same under the same conditions, else the newest two that share a dataset."""
        if not before or not after:
            return None
        alike = [(old, new) for new in after for old in before if old.workload_key == new.workload_key]
        old, new = alike[0] if alike else (before[0], after[0])
        if old.id == new.id:  # both runs measured one and the same version
            return None
        found = self._evaluations.compare(old.id, new.id)
        return found if found.datasets else None
