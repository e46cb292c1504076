"""Intervals, ranks, paired tests and parity against values that are known elsewhere."""

from __future__ import annotations

import math
import random

import pytest

from core.domain.accuracy_statistics import (
    Interval,
    Ranked,
    Verdict,
    difference,
    effective_n,
    mcnemar_exact,
    paired_bootstrap,
    parity,
    quantile_of,
    ranks,
    verdict_of,
    wilson,
)


@pytest.mark.parametrize(
    ("score", "n", "low", "high"),
    [
        (81 / 263, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15 / 148, 148, 0.0624, 0.1605),
        (0 / 20, 20, 0.0, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
        (1.0, 30, 0.8865, 1.0),
    ],
)
def test_wilson(score: float, n: int, low: float, high: float) -> None:
    assert wilson(score, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("score", "n"), [(0.5, 0), (1.2, 10), (-0.1, 10)])
def test_no_interval_of_nonsense(score: float, n: int) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(score, n)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference_of_two_shares(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    (one, n), (other, m) = first, second
    between = difference(one / n, wilson(one / n, n), other / m, wilson(other / m, m))
    assert between == pytest.approx((low, high), abs=5e-5)


def test_a_question_asked_once_counts_once() -> None:
    assert effective_n([[1.0], [0.0], [1.0], [1.0]]) == pytest.approx(4)


def test_repeats_that_always_agree_add_nothing() -> None:
    assert effective_n([[1.0] * 8, [0.0] * 8, [1.0] * 8, [1.0] * 8]) == pytest.approx(4)


def test_repeats_that_do_not_depend_on_the_question_count_in_full() -> None:
    assert effective_n([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]) == 3  # equal means: nothing known of the spread
    chance = random.Random(1)
    groups = [[float(chance.random() < 0.6) for _ in range(4)] for _ in range(2000)]
    assert effective_n(groups) == pytest.approx(8000, rel=0.06)


def test_where_all_are_right_the_questions_count() -> None:
    assert effective_n([[1.0, 1.0], [1.0, 1.0]]) == 2
    with pytest.raises(ValueError, match="no answers"):
        effective_n([])


def test_the_clustered_error_is_that_of_the_questions_means() -> None:
    groups = [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    means = [sum(group) / 3 for group in groups]
    mean = sum(means) / 5
    variance = sum((one - mean) ** 2 for one in means) / 5 / 5
    assert effective_n(groups) == pytest.approx(mean * (1 - mean) / variance)


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 0.021484375), (2, 10, 0.03857421875), (3, 15, 0.007537841796875)],
)
def test_mcnemar(lost: int, won: int, p: float) -> None:
    assert mcnemar_exact(lost, won) == pytest.approx(p, abs=1e-8)
    assert mcnemar_exact(won, lost) == mcnemar_exact(lost, won)


def test_mcnemar_of_many_flips_is_exact() -> None:
    assert mcnemar_exact(6800, 7242) == pytest.approx(1.977794527e-4, rel=1e-8)


def test_bootstrap_agrees_with_the_normal_approximation() -> None:
    differences = [1.0] * 60 + [-1.0] * 40 + [0.0] * 900
    found = paired_bootstrap(differences)
    error = math.sqrt((0.1 - 0.02**2) / 1000) * quantile_of()
    assert found == pytest.approx((0.02 - error, 0.02 + error), abs=0.0015)
    assert paired_bootstrap(differences) == found
    assert paired_bootstrap(differences, seed=2) != found


def test_bootstrap_of_one_and_of_equal_differences() -> None:
    assert paired_bootstrap([0.25]) == (0.25, 0.25)
    assert paired_bootstrap([0.0] * 500) == (0.0, 0.0)
    with pytest.raises(ValueError, match="no questions"):
        paired_bootstrap([])


def test_ranks_are_tied_where_nothing_tells_rows_apart() -> None:
    def row(score: float, n: int) -> Ranked:
        return Ranked(score, *wilson(score, n))

    assert ranks([row(0.96, 1319), row(0.955, 1319), row(0.90, 1319), row(0.89, 30), row(0.5, 1319)]) == [1, 1, 3, 1, 5]
    assert ranks([]) == []


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.008, 0.009, Verdict.PARITY),
        (0.001, 0.009, Verdict.PARITY),  # a difference that is certain and does not matter
        (0.001, 0.03, Verdict.BETTER),
        (-0.03, -0.001, Verdict.WORSE),
        (-0.03, 0.01, Verdict.INCONCLUSIVE),
    ],
)
def test_what_an_interval_says(low: float, high: float, verdict: Verdict) -> None:
    assert verdict_of(Interval(low, high)) is verdict


def test_parity_needs_many_questions() -> None:
    few = parity(0.86, 250, 0.852, 250)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert few.gap == pytest.approx(0.008)
    assert few.n_needed is None  # 250 of theirs are too few, however many ours are
    assert parity(0.86, 200_000, 0.859, 200_000).verdict is Verdict.PARITY
    assert parity(0.80, 1319, 0.90, 1319).verdict is Verdict.WORSE
    assert parity(0.95, 1319, 0.90, 1319).verdict is Verdict.BETTER


def test_the_margin_can_be_set() -> None:
    assert parity(0.9, 1319, 0.9, 1319).verdict is Verdict.INCONCLUSIVE
    assert parity(0.9, 1319, 0.9, 1319, margin=0.03).verdict is Verdict.PARITY


@pytest.mark.parametrize(("score", "reference"), [(0.90, 0.92), (0.913, 0.9131), (0.96, 0.98)])
def test_so_many_answers_would_settle_it(score: float, reference: float) -> None:
    found = parity(score, 115, reference)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.n_needed is not None
    assert parity(score, found.n_needed * 1.1, reference).verdict is not Verdict.INCONCLUSIVE
    assert parity(score, found.n_needed * 0.8, reference).verdict is Verdict.INCONCLUSIVE
