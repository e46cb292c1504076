"""What pages and shell read of evaluations: samples in a list, two evaluations side by side, rows of a leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from core.domain.benchmark import RunState
from core.domain.evaluation import Sample, ScoreRow
from core.domain.evaluation_scores import Conditions, Ending


class Show(StrEnum):
    """Which samples of an evaluation are listed. Wrong: scored below 1, whatever the reason. Flipped: right here and
    not in another evaluation, or the other way round."""

    ALL = "all"
    WRONG = "wrong"
    TRUNCATED = "truncated"
    OVERFLOW = "overflow"
    NO_ANSWER = "no_answer"
    UNSCORED = "unscored"
    ERRORED = "errored"
    FLIPPED = "flipped"


@dataclass(frozen=True)
class SampleFilter:
    """``dataset`` None: all of them. ``text`` looks into question, gold and answer as listed, whatever the case.
    ``against`` is the evaluation that flipped samples differ from."""

    dataset: str | None = None
    subset: str | None = None
    show: Show = Show.ALL
    text: str = ""
    against: str | None = None


@dataclass(frozen=True)
class SampleRow:
    """A sample in a list; its texts are cut to a line. (dataset, number) names it within its run."""

    dataset: str
    number: int
    subset: str
    repeat: int
    ending: Ending
    score: float | None
    question: str
    gold: str
    extracted: str | None
    stop_reason: str | None
    output_tokens: int | None
    latency_ms: float | None


@dataclass(frozen=True)
class SampleDetail:
    """One sample, whole, with its neighbours in the list of its dataset."""

    number: int
    ending: Ending
    sample: Sample


class Mark(NamedTuple):
    """What a comparison needs of a sample: which question, and what it scored."""

    number: int
    subset: str
    question_key: int
    repeat: int
    ending: Ending
    score: float | None


@dataclass(frozen=True)
class Tally:
    """What became of the questions of one subset: each counted once. ``part`` scored between 0 and 1; ``wrong`` were
    answered, the last five were not, or not judged."""

    dataset: str
    subset: str
    right: int = 0
    part: int = 0
    wrong: int = 0
    truncated: int = 0
    overflow: int = 0
    no_answer: int = 0
    errored: int = 0
    unscored: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in TALLIED)


TALLIED = ("right", "part", "wrong", "truncated", "overflow", "no_answer", "errored", "unscored")


def whole_tally(parts: Sequence[Tally], row: ScoreRow) -> Tally:
    """Of a dataset, from its subsets. Requests that failed elsewhere left no sample; the score's row counts them."""
    counts = {name: sum(getattr(part, name) for part in parts) for name in TALLIED}
    counts["errored"] = max(counts["errored"], row.errored)
    counts["unscored"] = max(counts["unscored"], row.unscored)
    return Tally(row.dataset, "", **counts)


@dataclass(frozen=True)
class LeadRow:
    """The primary score of one dataset of one evaluation, and whose. ``version_key`` is equal where model, label,
    weights, image and profile are."""

    run_id: str
    endpoint_id: str
    model: str
    version_label: str
    version_key: str
    platform: str | None
    origin: str
    state: RunState
    created_at: datetime
    dataset: str
    conditions_key: str
    metric: str
    score: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    requested: int
    truncated: int
    overflow: int
    no_answer: int
    errored: int
    is_partial: bool


@dataclass(frozen=True)
class DatasetScores:
    """One dataset of an evaluation: its figures, and under which conditions they may be compared."""

    dataset: str
    conditions: Conditions
    is_partial: bool
    rows: tuple[ScoreRow, ...]

    @property
    def lead(self) -> ScoreRow:
        """The primary score of the whole."""
        return self.rows[0]


@dataclass(frozen=True)
class Speed:
    """How fast a version is: its best measured throughput, and the run that says so."""

    version_key: str
    model: str
    version_label: str
    output_tokens_per_s: float
    run_id: str
