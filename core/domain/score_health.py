"""Why a score may be too low, and what to change: what stands beside every score before anybody believes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.accuracy_statistics import quantile_of
from core.domain.evaluation import EvaluationRequest, ScoreRow
from core.domain.evaluation_reading import DatasetScores
from core.domain.finding import Finding, Severity

WORTH_SAYING = 0.005
"""A share of the samples below which a loss is smaller than any interval; it stands in the table all the same."""
SERIOUS = 0.02
WIDE = 0.05
"""Half an interval: beyond five points two versions can hardly be told apart."""


@dataclass(frozen=True)
class Health:
    """Of one dataset. ``best_score`` is what the score could be at most, had every lost sample been right; None where
    nothing was lost or nothing is known. No findings: nothing was seen that makes the score too low."""

    dataset: str
    findings: tuple[Finding, ...]
    best_score: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the score is the model's own, as far as can be seen."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def health_of(found: DatasetScores, request: EvaluationRequest) -> Health:
    """The gravest first."""
    row = found.lead
    findings = sorted(_findings(row, found, request), key=lambda finding: finding.severity is Severity.NOTE)
    return Health(found.dataset, tuple(findings), _best_score(row))


def _findings(row: ScoreRow, found: DatasetScores, request: EvaluationRequest) -> Iterator[Finding]:
    answered = row.requested - row.truncated - row.overflow - row.no_answer - row.errored - row.unscored
    if row.requested and row.score is None and answered <= 0:
        yield _finding("score_no_answers", Severity.WARN, row, _reason_count(row), requested=row.requested)
    yield from _lost(row, request)
    if row.score is None or row.ci95 is None:
        return
    half = (row.ci95[1] - row.ci95[0]) / 2
    if half > WIDE:
        needed = _n_for(row.score, WIDE)
        yield _finding("score_wide", Severity.NOTE, row, row.n, half_points=round(half * 100, 1), n_needed=needed)
    if found.conditions.limit:
        yield _finding("score_limited", Severity.NOTE, row, row.n, limit=found.conditions.limit)
    if request.thinking and request.sampling.temperature == 0:
        yield _finding("score_greedy_thinking", Severity.NOTE, row, row.n)


def _lost(row: ScoreRow, request: EvaluationRequest) -> Iterator[Finding]:
    limit = request.max_tokens or None
    losses: tuple[tuple[str, int, dict[str, int | None]], ...] = (
        ("score_truncated", row.truncated, {"max_tokens": limit}),
        ("score_overflow", row.overflow, {"max_tokens": limit}),
        ("score_no_answer", row.no_answer, {}),
        ("score_errored", row.errored, {}),
        ("score_unscored", row.unscored, {}),
    )
    for code, count, params in losses:
        share = count / row.requested if row.requested else 0.0
        if count and share >= WORTH_SAYING:
            severity = Severity.WARN if share >= SERIOUS else Severity.NOTE
            yield _finding(code, severity, row, count, **params)


def _finding(code: str, severity: Severity, row: ScoreRow, count: int, **params: str | int | float | None) -> Finding:
    share = round(count / row.requested * 100, 1) if row.requested else None
    return Finding(code, severity, row.dataset, {"count": count, "share": share, "requested": row.requested, **params})


def _reason_count(row: ScoreRow) -> int:
    return row.truncated + row.overflow + row.no_answer + row.errored


def _best_score(row: ScoreRow) -> float | None:
    """Errored and unscored samples are no part of the mean; the others are, as zeros."""
    lost = row.truncated + row.overflow + row.no_answer
    if row.score is None or not row.n or not lost:
        return None
    return min(1.0, row.score + lost / row.n)


def _n_for(score: float, half: float) -> int:
    """Questions for an interval of ``half`` to each side, by the normal approximation."""
    return round(quantile_of() ** 2 * max(score * (1 - score), 0.01) / half**2)
