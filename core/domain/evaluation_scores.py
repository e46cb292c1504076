"""From samples to scores: what counts as an answer, how sure a score is, and what may be compared with what."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from core.domain.accuracy_statistics import effective_n, wilson
from core.domain.evaluation import DatasetOutcome, EvaluationRequest, ReportScore, Sample, SampleStatus, ScoreRow

ROUNDING = 0.00006
"""EvalScope's reports round to four digits; the mean of the samples does not."""
_DIGITS = 12


class Ending(StrEnum):
    """How a sample ended, each in one way. No answer: it ended by itself, and no answer could be taken out of it."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"
    OVERFLOW = "overflow"
    ERRORED = "errored"
    UNSCORED = "unscored"


def ending_of(sample: Sample) -> Ending:
    """The first that applies: what the server refused or cut off says more than that no answer was found."""
    if sample.status is SampleStatus.ERRORED:
        return Ending.ERRORED
    if sample.is_overflow:
        return Ending.OVERFLOW
    if sample.is_truncated:
        return Ending.TRUNCATED
    if sample.status is SampleStatus.UNSCORED:
        return Ending.UNSCORED
    return Ending.NO_ANSWER if sample.extracted is None else Ending.ANSWERED


def question_key(sample: Sample) -> int:
    """The same question, asked in the same words and with the same answer wanted, in any evaluation: 63 bits."""
    text = f"{sample.dataset}\x00{sample.question}\x00{sample.gold}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


# ---------------------------------------------------------------- counting


@dataclass
class _Tally:
    """What is counted of a dataset or of one subset. ``values``: by metric, then by question."""

    asked: int = 0
    scored: int = 0
    statuses: dict[SampleStatus, int] = field(default_factory=lambda: defaultdict(int))
    endings: dict[Ending, int] = field(default_factory=lambda: defaultdict(int))
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float = 0.0
    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, sample: Sample, ending: Ending) -> None:
        self.asked += 1
        self.statuses[sample.status] += 1
        self.endings[ending] += 1
        self.input_tokens = _sum(self.input_tokens, sample.input_tokens)
        self.output_tokens = _sum(self.output_tokens, sample.output_tokens)
        self.latency_ms += sample.latency_ms or 0.0
        if sample.status is SampleStatus.SCORED:
            self.scored += 1
            question = f"{sample.subset}\x00{sample.group_id}"
            for metric, value in (sample.scores or {str(sample.metric): sample.score or 0.0}).items():
                self.values[metric][question].append(value)


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more


class ScoreCounter:
    """Counts a dataset's samples as they pass by; ``rows`` gives the figures at the end."""

    def __init__(self) -> None:
        self._whole = _Tally()
        self._subsets: dict[str, _Tally] = defaultdict(_Tally)
        self._metric: str | None = None

    def add(self, sample: Sample) -> Ending:
        """How it ended."""
        ending = ending_of(sample)
        self._whole.add(sample, ending)
        self._subsets[sample.subset].add(sample, ending)
        self._metric = self._metric or sample.metric
        return ending

    def rows(self, outcome: DatasetOutcome) -> tuple[ScoreRow, ...]:
        """The primary metric of the whole dataset first. With a report its figures, made exact by the samples; without
        one what the samples say."""
        report = outcome.report
        reported = report.scores if report and report.scores else self._from_samples()
        rows = [self._row(outcome, score) for score in reported]
        if not rows:
            rows = [self._row(outcome, None)]
        return tuple(sorted(rows, key=lambda row: (not row.is_primary, row.subset is not None)))

    def _from_samples(self) -> tuple[ReportScore, ...]:
        """Where an evaluation ended before its report."""
        found: list[ReportScore] = []
        for metric in self._whole.values:
            for subset, tally in ((None, self._whole), *self._subsets.items()):
                values = [value for group in tally.values[metric].values() for value in group]
                if values:
                    mean, primary = sum(values) / len(values), metric == self._metric
                    found.append(ReportScore(subset, None, metric, "mean", mean, len(values), primary))
        return tuple(found)

    def _row(self, outcome: DatasetOutcome, reported: ReportScore | None) -> ScoreRow:
        subset = reported.subset if reported else None
        tally = self._whole if subset is None else self._subsets.get(subset, _Tally())
        requested, errored = self._requested(outcome, subset, tally)
        score, n, ci95 = _figures(tally, reported)
        counts = tally.endings
        nothing = counts[Ending.ANSWERED] == 0 and tally.asked > 0 and not score
        return ScoreRow(
            dataset=outcome.key,
            subset=subset,
            category=reported.category if reported else None,
            metric=reported.metric if reported else "",
            aggregation=reported.aggregation if reported else "mean",
            is_primary=reported.is_primary if reported else True,
            score=None if nothing else score,
            ci95=None if nothing else ci95,
            n=n,
            requested=requested,
            errored=errored,
            unscored=max(0, requested - errored - tally.scored) if tally.asked else 0,
            truncated=counts[Ending.TRUNCATED],
            overflow=counts[Ending.OVERFLOW],
            no_answer=counts[Ending.NO_ANSWER],
            input_tokens=tally.input_tokens,
            output_tokens=tally.output_tokens,
            duration_s=outcome.duration_s if subset is None else self._share_of_time(tally, outcome.duration_s),
            is_partial=outcome.is_partial,
        )

    def _share_of_time(self, tally: _Tally, duration_s: float | None) -> float | None:
        """All subsets are asked side by side, so that none has a time of its own: the dataset's, by how long the
        requests of each took."""
        if duration_s is None or not tally.latency_ms:
            return None
        return duration_s * tally.latency_ms / self._whole.latency_ms

    def _requested(self, outcome: DatasetOutcome, subset: str | None, tally: _Tally) -> tuple[int, int]:
        """How many were to be asked, and how many of them failed. Where the report tells nothing of a subset, what was
        seen of it."""
        seen_errors, report = tally.statuses[SampleStatus.ERRORED], outcome.report
        if subset is not None:
            return tally.asked, seen_errors
        told = report.requested if report and report.requested is not None else outcome.expected
        errored = report.errored if report and report.errored is not None else 0
        return max(told or 0, tally.asked), max(errored, seen_errors)


def _figures(tally: _Tally, reported: ReportScore | None) -> tuple[float | None, int, tuple[float, float] | None]:
    """Score, n and interval. A mean comes from the samples where it agrees with the report to the report's digits."""
    if reported is None:
        return None, 0, None
    groups = list(tally.values.get(reported.metric, {}).values())
    values = [value for group in groups for value in group]
    score, n, independent = reported.score, reported.n, float(reported.n)
    if values:
        mean = sum(values) / len(values)
        independent = effective_n(groups)
        if reported.aggregation == "mean" and abs(mean - score) <= ROUNDING:
            score, n = mean, len(values)
    if n == 0 or not 0.0 <= score <= 1.0:
        return (score if n else None), n, None
    low, high = wilson(score, min(independent, n) or n)
    return score, n, (low, high)


# ---------------------------------------------------------------- like with like


@dataclass(frozen=True)
class Conditions:
    """What must be equal before two scores may stand in one ranking: the questions, how they were put, and how tokens
    were drawn. Address, seed, batch size and max_tokens are no part of it; what max_tokens costs is the truncated
    share. ``judge`` is the model that judged, None where a rule did, whatever was offered."""

    dataset: str
    revision: str | None
    evaluation_version: str | None
    metric: str
    subsets: tuple[str, ...]
    limit: str
    few_shot: int | None
    repeats: int
    sampling: Mapping[str, float]
    prompt: str | None = None
    judge: str | None = None
    thinking: bool | None = None

    @property
    def key(self) -> str:
        """Equal where the conditions are, however a number is written: 0 or 0.0, a count as 20 or 20.0."""
        sampling = {name: int(value) if name == "top_k" else float(value) for name, value in self.sampling.items()}
        text = json.dumps({**asdict(self), "sampling": sampling}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def conditions_of(request: EvaluationRequest, outcome: DatasetOutcome, metric: str) -> Conditions:
    """Of one dataset of an evaluation."""
    told, limit, asked = outcome.report or outcome.settings, request.limit, request.sampling
    share = None if limit.share is None else f"{limit.share * 100:g} %"
    sampling = {name: value for name, value in asdict(asked).items() if isinstance(value, float | int)}
    few_shot = outcome.choice.few_shot if outcome.choice.few_shot is not None else told.few_shot if told else None
    prompt = told.prompt_template if told else None
    return Conditions(
        dataset=outcome.key,
        revision=told.revision if told else None,
        evaluation_version=told.evaluation_version if told else None,
        metric=metric,
        subsets=tuple(sorted(outcome.choice.subsets)),
        limit="" if limit.is_none else share or str(limit.count),
        few_shot=few_shot,
        repeats=request.repeats,
        sampling=sampling,
        prompt=hashlib.sha256(prompt.encode()).hexdigest()[:8] if prompt else None,
        judge=told.judge if told else None,
        thinking=request.thinking,
    )


def asked_key(request: EvaluationRequest) -> str:
    """Equal where the same questions are put in the same way: what the history groups evaluations by."""
    asked = {
        "datasets": [[one.key, one.subsets, one.few_shot] for one in request.datasets],
        "limit": asdict(request.limit),
        "repeats": request.repeats,
        "sampling": {name: value for name, value in asdict(request.sampling).items() if name != "preset"},
        "thinking": request.thinking,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:_DIGITS]


# ---------------------------------------------------------------- the question itself


def common_start(texts: Sequence[str]) -> int:
    """How many characters all of some prompts begin with (instructions, worked examples), up to the end of a line:
    what a list of questions need not repeat."""
    if len(texts) < 2:
        return 0
    low, high = min(texts), max(texts)
    length = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low.rfind("\n", 0, length) + 1


def common_end(texts: Sequence[str]) -> int:
    """How many characters all of some prompts end with, from the beginning of a line: how the answer is to be put."""
    if len(texts) < 2:
        return 0
    backwards = [text[::-1] for text in texts]
    low, high = min(backwards), max(backwards)
    length = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    shared = low[:length][::-1]
    return len(shared) - shared.index("\n") if "\n" in shared else 0


def snippet(text: str, start: int = 0, end: int = 0, length: int = 160) -> str:
    """One line for a list, without the first ``start`` and the last ``end`` characters; whole where nothing is left."""
    inside = text[start : len(text) - end] if start + end < len(text) else text
    words = " ".join(inside[: 4 * length].split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def headline(rows: Iterable[ScoreRow], datasets: int) -> float | None:
    """The mean of the primary scores of so many datasets; None while one of them has none."""
    whole = [row.score for row in rows if row.is_primary and row.subset is None]
    scores = [score for score in whole if score is not None]
    return sum(scores) / len(scores) if scores and len(scores) == len(whole) >= datasets else None
