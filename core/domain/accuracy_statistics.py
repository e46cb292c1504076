"""How sure a score is, and whether two differ. Standard library only; every rule names where it comes from."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
DEFAULT_MARGIN = 0.01
"""Parity: the whole interval of the difference within one point."""
DRAWS = 10_000
_MOST_TERMS = 4_000_000  # a bootstrap draws at most so many numbers: about a second


class Interval(NamedTuple):
    """Both ends, as shares of 1 (or differences of shares)."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2


def quantile_of(confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of the normal distribution: 1.96 for 95 %."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(score: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of a share (Wilson 1927): honest at 0 %, at 100 % and for few questions, where the textbook's
    is not. ``n`` may be an effective number. Raises ValueError for ``n`` of 0 or a score outside 0..1."""
    if n <= 0 or not 0.0 <= score <= 1.0:
        raise ValueError(f"no interval for a share of {score} of {n}")
    z2 = quantile_of(confidence) ** 2
    middle = (score + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2) * math.sqrt(score * (1 - score) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach))


def effective_n(groups: Iterable[Sequence[float]]) -> float:
    """How many independent questions the answers are worth, where a question was asked several times: n over the design
    effect of the clustered standard error (Miller 2024, "Adding error bars to evals", equation 4). Never more than the
    answers, never fewer than the questions where all answers agree, since then nothing is known of the spread.
    Raises ValueError where there is no answer."""
    answers = questions = 0
    total = total_squared = sum_squared = sum_by_count = count_squared = 0.0
    for values in groups:
        size, here = len(values), math.fsum(values)
        answers, questions = answers + size, questions + 1
        total, total_squared = total + here, total_squared + here * here
        sum_by_count, count_squared = sum_by_count + here * size, count_squared + size * size
        sum_squared += math.fsum(value * value for value in values)
    if answers == 0:
        raise ValueError("no answers")
    mean = total / answers
    spread = total_squared - 2 * mean * sum_by_count + mean * mean * count_squared  # of the groups' residual sums
    if spread <= 1e-12 * answers:
        return float(questions)
    return max(1.0, min(float(answers), mean * (1 - mean) * answers * answers / spread))


def difference(score: float, interval: Interval, other: float, other_interval: Interval) -> Interval:
    """The interval of ``score - other`` for two separate sets of answers (Newcombe 1998, method 10), from their Wilson
    intervals."""
    gap = score - other
    below = math.hypot(score - interval.low, other_interval.high - other)
    above = math.hypot(interval.high - score, other - other_interval.low)
    return Interval(gap - below, gap + above)


class Ranked(NamedTuple):
    """What a rank needs of a row."""

    score: float
    low: float
    high: float


def ranks(rows: Sequence[Ranked]) -> list[int]:
    """1 + the number of rows significantly above (the 95 % interval of the difference lies beyond 0): rows that cannot
    be told apart share a rank. In the order of ``rows``."""
    return [1 + sum(1 for above in rows if is_above(above, row)) for row in rows]


def is_above(above: Ranked, row: Ranked) -> bool:
    """Whether the interval of the difference (Newcombe's) lies beyond 0."""
    gap = above[0] - row[0]
    return gap > 0 and gap * gap > (above[0] - above[1]) ** 2 + (row[2] - row[0]) ** 2


# ---------------------------------------------------------------- the same questions, twice


def mcnemar_exact(lost: int, won: int) -> float:
    """The two-sided p of as uneven a split of the flipped answers by chance (McNemar 1947, exact binomial form); 1
    where nothing flipped."""
    flipped, fewer = lost + won, min(lost, won)
    term, tail = 1, 1
    for count in range(1, fewer + 1):
        term = term * (flipped - count + 1) // count
        tail += term
    return min(1.0, 2 * tail / 2**flipped) if flipped else 1.0


def paired_bootstrap(
    differences: Sequence[float], seed: int = 0, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> Interval:
    """The percentile interval of the mean difference per question, by Poisson bootstrap (Chamandy et al. 2012): equal
    differences are drawn together, so that fourteen thousand questions cost no more than fourteen. The same seed gives
    the same interval. Raises ValueError where there is no question."""
    if not differences:
        raise ValueError("no questions")
    counts = Counter(round(difference, 9) for difference in differences)
    tables = [(value, _poisson_table(count)) for value, count in sorted(counts.items())]
    draws = max(200, min(draws, _MOST_TERMS // len(tables)))
    chance, means = random.Random(seed), list[float]()
    while len(means) < draws:
        weighted = weight = 0.0
        for value, (first, table) in tables:
            drawn = first + bisect_left(table, chance.random())
            weighted, weight = weighted + value * drawn, weight + drawn
        if weight:
            means.append(weighted / weight)
    means.sort()
    tail = (1 - confidence) / 2
    return Interval(means[math.floor(tail * (draws - 1))], means[math.ceil((1 - tail) * (draws - 1))])


def _poisson_table(mean: int) -> tuple[int, list[float]]:
    """The cumulative chances of a Poisson number within nine deviations, and the first number they stand for."""
    reach = 9 * math.sqrt(mean) + 9
    first, last = max(0, math.floor(mean - reach)), math.ceil(mean + reach)
    chances = (math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(first, last + 1))
    return first, list(accumulate(chances))


# ---------------------------------------------------------------- against a published score


class Verdict(StrEnum):
    """Of a score beside another."""

    PARITY = "parity"
    WORSE = "worse"
    BETTER = "better"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Parity:
    """``gap`` is ours minus the reference's. ``n_needed`` is given where the verdict is open: so many answers of ours
    would settle it if the scores stayed as they are; None where none would, because the reference itself rests on too
    few."""

    verdict: Verdict
    gap: float
    interval: Interval
    n_needed: int | None = None


def parity(
    score: float, n: float, reference: float, reference_n: float | None = None, margin: float = DEFAULT_MARGIN
) -> Parity:
    """Parity: the interval of the difference lies within ``margin``. Worse or better: it lies beyond 0, and is no
    parity. A reference that does not say its n is taken to rest on as many answers as ours."""
    other_n = reference_n or n
    between = difference(score, wilson(score, n), reference, wilson(reference, other_n))
    verdict = verdict_of(between, margin)
    needed = None
    if verdict is Verdict.INCONCLUSIVE:
        needed = _n_needed(score, reference, reference_n, margin)
    return Parity(verdict, score - reference, between, needed)


def verdict_of(between: Interval, margin: float = DEFAULT_MARGIN) -> Verdict:
    """What an interval of a difference says."""
    if between.low >= -margin and between.high <= margin:
        return Verdict.PARITY
    if between.low > 0:
        return Verdict.BETTER
    return Verdict.WORSE if between.high < 0 else Verdict.INCONCLUSIVE


def _n_needed(score: float, reference: float, reference_n: float | None, margin: float) -> int | None:
    """By the normal approximation: the half width must fall below the gap itself or fit between it and the margin,
    whichever comes first. A share of 0 or 1 is taken half an answer inwards."""
    gap, z2 = abs(score - reference), quantile_of() ** 2
    reach = max(gap, margin - gap)
    ours, theirs = _variance(score, reference_n), _variance(reference, reference_n)
    left = reach**2 if reference_n is None else reach**2 - z2 * theirs / reference_n
    wanted = ours + theirs if reference_n is None else ours
    return math.ceil(z2 * wanted / left) if left > 0 else None


def _variance(score: float, n: float | None) -> float:
    inward = 0.5 / (n or 1000)
    share = min(max(score, inward), 1 - inward)
    return share * (1 - share)
