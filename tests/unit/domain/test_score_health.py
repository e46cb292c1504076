"""Why a score may be too low."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.accuracy_statistics import wilson
from core.domain.evaluation import DatasetChoice, EvaluationRequest, Sampling, ScoreRow
from core.domain.evaluation_reading import DatasetScores
from core.domain.evaluation_scores import Conditions
from core.domain.finding import Severity
from core.domain.score_health import Health, health_of

REQUEST = EvaluationRequest("ep-1", (DatasetChoice("gsm8k"),), max_tokens=512)
ROW = ScoreRow("gsm8k", None, None, "accuracy", "mean", True, 0.8, (0.78, 0.82), 1000, 1000, 0, 0, 0, 0, 0)


def health(request: EvaluationRequest = REQUEST, limit: str = "", **changes: Any) -> Health:
    conditions = Conditions("gsm8k", None, None, "accuracy", (), limit, 0, 1, {})
    return health_of(DatasetScores("gsm8k", conditions, False, (replace(ROW, **changes),)), request)


def codes(found: Health) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in found.findings]


def test_nothing_to_say_of_a_sound_score() -> None:
    found = health()
    assert (found.findings, found.is_sound, found.best_score) == ((), True, None)


def test_a_few_lost_answers_are_not_worth_a_word() -> None:
    assert codes(health(truncated=4)) == []
    assert health(truncated=4).best_score == pytest.approx(0.804)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("truncated", "score_truncated"),
        ("overflow", "score_overflow"),
        ("no_answer", "score_no_answer"),
        ("errored", "score_errored"),
        ("unscored", "score_unscored"),
    ],
)
def test_every_loss_has_its_word(name: str, code: str) -> None:
    assert codes(health(**{name: 10})) == [(code, Severity.NOTE)]
    found = health(**{name: 90})
    assert codes(found) == [(code, Severity.WARN)]
    assert found.findings[0].params["count"] == 90
    assert not found.is_sound


def test_only_what_counts_as_wrong_could_raise_the_score() -> None:
    assert health(truncated=90, overflow=10).best_score == pytest.approx(0.9)
    assert health(errored=90).best_score is None
    assert health(truncated=900).best_score == 1.0


def test_no_answers_at_all_come_first() -> None:
    found = health(score=None, ci95=None, truncated=1000)
    assert [code for code, _ in codes(found)] == ["score_no_answers", "score_truncated"]


def test_wide_intervals_say_how_many_questions_are_needed() -> None:
    low, high = wilson(0.8, 50)
    found = health(score=0.8, ci95=(low, high), n=50, requested=50)
    assert codes(found) == [("score_wide", Severity.NOTE)]
    needed = found.findings[0].params["n_needed"]
    assert isinstance(needed, int)
    assert wilson(0.8, needed).half_width == pytest.approx(0.05, abs=0.002)


def test_limits_and_greedy_thinking_are_said() -> None:
    assert codes(health(limit="50")) == [("score_limited", Severity.NOTE)]
    greedy = replace(REQUEST, thinking=True, sampling=Sampling(temperature=0.0))
    assert codes(health(greedy)) == [("score_greedy_thinking", Severity.NOTE)]
