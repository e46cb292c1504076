"""A gate for pipelines: passes unless a version is worse beyond doubt by more than is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.comparison import Call, Cell, Pair, Verdict


class Outcome(StrEnum):
    """``unusable``: not the same question, or nothing that could be compared."""

    PASSED = "passed"
    WORSE = "worse"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class GateResult:
    """``offenders``: what is worse, by more than the limit even at its interval's better end."""

    outcome: Outcome
    max_regression: float
    pair: Pair
    offenders: tuple[Cell, ...]


def judge(pair: Pair, max_regression: float) -> GateResult:
    """Of the headline figures, over all loads and at each. ``max_regression`` is a share: 0.03 for 3 %."""
    if pair.verdict is Verdict.NOT_COMPARABLE:
        return GateResult(Outcome.UNUSABLE, max_regression, pair, ())
    offenders = tuple(cell for cell in pair.cells if cell.figure.headline and _is_beyond(cell, max_regression))
    return GateResult(Outcome.WORSE if offenders else Outcome.PASSED, max_regression, pair, offenders)


def _is_beyond(cell: Cell, limit: float) -> bool:
    return cell.call is Call.WORSE and cell.worse_by is not None and cell.worse_by[0] > limit
