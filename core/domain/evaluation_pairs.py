"""Two evaluations of the same questions, question by question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from core.domain.accuracy_statistics import (
    DEFAULT_MARGIN,
    Interval,
    Verdict,
    difference,
    mcnemar_exact,
    paired_bootstrap,
    verdict_of,
    wilson,
)
from core.domain.evaluation_reading import DatasetScores, Mark
from core.domain.evaluation_scores import Conditions, Ending

_LIKE = tuple(field.name for field in fields(Conditions) if field.name not in {"dataset"})


@dataclass(frozen=True)
class Flip:
    """One question that one evaluation got right and the other did not; numbers name the two samples."""

    before: int
    after: int
    won: bool
    before_ending: Ending
    after_ending: Ending


@dataclass(frozen=True)
class PairedScores:
    """One dataset in both evaluations; ``before`` is the baseline. ``pairs`` counts (question, repeat) pairs that both
    have a score for, 0 where they were not asked the same: then scores and interval are of the two whole datasets.
    ``p_value`` is McNemar's, None where questions were repeated or scores are not right or wrong. ``differing`` names
    the conditions that are not equal. ``lost_unanswered`` of the lost were cut off, refused or without an answer."""

    dataset: str
    pairs: int
    before: float
    after: float
    interval: Interval
    verdict: Verdict
    p_value: float | None
    won: int
    lost: int
    lost_unanswered: int
    flips: tuple[Flip, ...]
    differing: tuple[str, ...]

    @property
    def gap(self) -> float:
        """After minus before."""
        return self.after - self.before


def pair(
    before: DatasetScores,
    after: DatasetScores,
    before_marks: Sequence[Mark],
    after_marks: Sequence[Mark],
    margin: float = DEFAULT_MARGIN,
) -> PairedScores | None:
    """None where one of them has no score."""
    pairs = tuple(_pairs(before_marks, after_marks))
    differing = tuple(name for name in _LIKE if getattr(before.conditions, name) != getattr(after.conditions, name))
    if not pairs:
        return _unpaired(before, after, differing, margin)
    scores = [(one.score or 0.0, other.score or 0.0) for one, other in pairs]
    by_question: dict[int, list[float]] = defaultdict(list)
    for (one, _), (score, other_score) in zip(pairs, scores, strict=True):
        by_question[one.question_key].append(other_score - score)
    interval = paired_bootstrap([sum(gaps) / len(gaps) for gaps in by_question.values()])
    flips = tuple(_flips(pairs))
    lost = [flip for flip in flips if not flip.won]
    return PairedScores(
        dataset=before.dataset,
        pairs=len(pairs),
        before=sum(score for score, _ in scores) / len(scores),
        after=sum(score for _, score in scores) / len(scores),
        interval=interval,
        verdict=verdict_of(interval, margin),
        p_value=_p_value(scores, len(flips), len(lost), len(by_question)),
        won=len(flips) - len(lost),
        lost=len(lost),
        lost_unanswered=sum(1 for flip in lost if flip.after_ending is not Ending.ANSWERED),
        flips=flips,
        differing=differing,
    )


def _pairs(before: Sequence[Mark], after: Sequence[Mark]) -> Iterator[tuple[Mark, Mark]]:
    """By question and repeat; a question that stands twice in a dataset is paired in order."""
    waiting: Mapping[tuple[str, int, int], list[Mark]] = defaultdict(list)
    for mark in reversed(after):
        if mark.score is not None:
            waiting[mark.subset, mark.question_key, mark.repeat].append(mark)
    for mark in before:
        found = waiting.get((mark.subset, mark.question_key, mark.repeat))
        if mark.score is not None and found:
            yield mark, found.pop()


def _flips(pairs: Sequence[tuple[Mark, Mark]]) -> Iterator[Flip]:
    """What was lost first."""
    for won in (False, True):
        for one, other in pairs:
            is_right, was_right = (other.score or 0.0) >= 1.0, (one.score or 0.0) >= 1.0
            if is_right != was_right and is_right is won:
                yield Flip(one.number, other.number, won, one.ending, other.ending)


def _p_value(scores: Sequence[tuple[float, float]], flips: int, lost: int, questions: int) -> float | None:
    is_binary = all(score in {0.0, 1.0} for pair in scores for score in pair)
    return mcnemar_exact(lost, flips - lost) if is_binary and questions == len(scores) else None


def _unpaired(
    before: DatasetScores, after: DatasetScores, differing: tuple[str, ...], margin: float
) -> PairedScores | None:
    """Other questions, or none kept: two scores, each with its own interval."""
    one, other = before.lead, after.lead
    if one.score is None or other.score is None or not one.n or not other.n:
        return None
    one_ci = Interval(*one.ci95) if one.ci95 else wilson(one.score, one.n)
    other_ci = Interval(*other.ci95) if other.ci95 else wilson(other.score, other.n)
    between = difference(other.score, other_ci, one.score, one_ci)
    verdict = verdict_of(between, margin)
    return PairedScores(
        before.dataset, 0, one.score, other.score, between, verdict, None, 0, 0, 0, flips=(), differing=differing
    )
