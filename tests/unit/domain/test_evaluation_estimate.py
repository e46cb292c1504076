"""How long an evaluation takes at most, before anything was evaluated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.evaluation import DatasetChoice, EvaluationRequest, PlannedDataset
from core.domain.evaluation_estimate import most_s
from tests.unit.domain.test_estimates import past
from tests.unit.domain.test_evaluation_rules import dataset

BASE = EvaluationRequest("ep-1", (DatasetChoice("mmlu"),), max_tokens=101, batch_size=4)
PLANNED = PlannedDataset(BASE.datasets[0], dataset(), 10, 10, 1280)


def test_every_answer_as_long_as_it_may_be() -> None:
    found = most_s(BASE, [PLANNED], [past(4, 200, 20), past(64, 900, 90)])
    assert found == pytest.approx(10 + 3 * (0.2 + 100 * 0.02)), "three waves of four, after EvalScope has started"


def test_longer_questions_take_longer_to_begin() -> None:
    longer = replace(PLANNED, input_tokens=2560)
    assert most_s(BASE, [longer], [past(4, 200, 20)]) == pytest.approx(10 + 3 * (0.4 + 2.0))


def test_nothing_measured_or_no_size_nothing_said() -> None:
    assert most_s(BASE, [PLANNED], []) is None
    assert most_s(BASE, [replace(PLANNED, requests=None)], [past(4, 200, 20)]) is None
