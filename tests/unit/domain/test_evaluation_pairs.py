"""Two evaluations question by question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.accuracy_statistics import Verdict
from core.domain.evaluation import ScoreRow
from core.domain.evaluation_pairs import pair
from core.domain.evaluation_reading import DatasetScores, Mark
from core.domain.evaluation_scores import Conditions, Ending

CONDITIONS = Conditions("gsm8k", None, "v1", "accuracy", (), "", 4, 1, {"temperature": 0.0})


def scores(score: float | None, n: int = 100, **changes: object) -> DatasetScores:
    ci95 = (0.4, 0.6) if score is not None else None
    row = ScoreRow("gsm8k", None, None, "accuracy", "mean", True, score, ci95, n, n, 0, 0, 0, 0, 0)
    return DatasetScores("gsm8k", replace(CONDITIONS, **changes), False, (row,))  # type: ignore[arg-type]


def mark(question: int, score: float | None, repeat: int = 0, ending: Ending = Ending.ANSWERED) -> Mark:
    return Mark(question * 10 + repeat, "main", question, repeat, ending, score)


def test_flips_are_counted_both_ways_and_lost_ones_come_first() -> None:
    before = [mark(i, 1.0) for i in range(60)] + [mark(i, 0.0) for i in range(60, 100)]
    after = [mark(i, 0.0 if i < 9 else 1.0) for i in range(61)] + [mark(i, 0.0) for i in range(61, 100)]
    after[0] = mark(0, 0.0, ending=Ending.TRUNCATED)
    found = pair(scores(0.6), scores(0.52), before, after)
    assert found is not None
    assert (found.pairs, found.lost, found.won, found.lost_unanswered) == (100, 9, 1, 1)
    assert found.gap == pytest.approx(-0.08)
    assert found.p_value == pytest.approx(0.021484375)
    assert found.verdict is Verdict.WORSE
    assert [flip.won for flip in found.flips] == [False] * 9 + [True]
    assert (found.flips[0].before, found.flips[0].after_ending) == (0, Ending.TRUNCATED)


def test_the_order_of_answers_does_not_matter() -> None:
    before = [mark(i, float(i % 2)) for i in range(50)]
    found = pair(scores(0.5), scores(0.5), before, list(reversed(before)))
    assert found is not None
    assert (found.pairs, found.flips, found.gap) == (50, (), 0.0)
    assert found.verdict is Verdict.PARITY


def test_the_same_question_twice_is_paired_twice() -> None:
    found = pair(scores(0.5), scores(0.5), [mark(1, 1.0), mark(1, 0.0)], [mark(1, 1.0), mark(1, 0.0)])
    assert found is not None
    assert (found.pairs, found.flips) == (2, ())


def test_repeats_count_by_question_and_have_no_mcnemar() -> None:
    before = [mark(i, 1.0, repeat) for i in range(30) for repeat in range(4)]
    after = [mark(i, float(repeat > 0), repeat) for i in range(30) for repeat in range(4)]
    found = pair(scores(1.0), scores(0.75), before, after)
    assert found is not None
    assert found.p_value is None
    assert found.interval == pytest.approx((-0.25, -0.25))


def test_unscored_samples_are_no_pair() -> None:
    found = pair(scores(1.0), scores(1.0), [mark(1, 1.0), mark(2, None)], [mark(1, 1.0), mark(2, 1.0)])
    assert found is not None
    assert found.pairs == 1


def test_other_questions_are_compared_as_wholes() -> None:
    found = pair(scores(0.5), scores(0.5, limit="50"), [mark(1, 1.0)], [mark(2, 1.0)])
    assert found is not None
    assert (found.pairs, found.p_value, found.differing) == (0, None, ("limit",))
    assert found.interval.low < 0 < found.interval.high
    assert found.verdict is Verdict.INCONCLUSIVE


def test_no_score_is_no_comparison() -> None:
    assert pair(scores(None), scores(0.5), [], []) is None
