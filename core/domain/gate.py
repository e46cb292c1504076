"""A gate for pipelines: passes unless a version is worse beyond doubt by more than is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.benchmark import RunState
from core.domain.comparison import Call, Cell, Evidence, Load, Pair, Verdict, load_of


class Outcome(StrEnum):
    """``unusable``: not the same question, nothing that could be compared, or a candidate that did not answer all that
    the baseline did."""

    PASSED = "passed"
    WORSE = "worse"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class GateResult:
    """``offenders``: what is worse, by more than the limit even at its interval's better end. ``unanswered``: loads of
    the baseline that the candidate did not measure, or at which too many of its requests failed. ``is_whole``: whether
    the candidate measured to its end."""

    outcome: Outcome
    max_regression: float
    pair: Pair
    offenders: tuple[Cell, ...] = ()
    unanswered: tuple[Load, ...] = ()
    is_whole: bool = True


def judge(baseline: Evidence, pair: Pair, max_regression: float) -> GateResult:
    """Of the headline figures, over all loads and at each. ``max_regression`` is a share: 0.03 for 3 %. What a broken
    version did answer says nothing of what it did not: it cannot pass."""
    is_whole = pair.candidate.run.state is RunState.COMPLETE
    if pair.verdict is Verdict.NOT_COMPARABLE and pair.loads:
        return GateResult(Outcome.UNUSABLE, max_regression, pair, is_whole=is_whole)
    unanswered = _unanswered(baseline, pair.candidate)
    if unanswered or not is_whole or pair.verdict is Verdict.NOT_COMPARABLE:
        return GateResult(Outcome.UNUSABLE, max_regression, pair, unanswered=unanswered, is_whole=is_whole)
    offenders = tuple(cell for cell in pair.cells if cell.figure.headline and _is_beyond(cell, max_regression))
    return GateResult(Outcome.WORSE if offenders else Outcome.PASSED, max_regression, pair, offenders)


def _unanswered(baseline: Evidence, candidate: Evidence) -> tuple[Load, ...]:
    """Every repeat counts: one that failed is a load that is not held reliably."""
    unsound = {load_of(one) for one in candidate.measurements if not one.is_sound}
    return tuple(load for load in baseline.by_load if load not in candidate.by_load or load in unsound)


def _is_beyond(cell: Cell, limit: float) -> bool:
    return cell.call is Call.WORSE and cell.worse_by is not None and cell.worse_by[0] > limit
