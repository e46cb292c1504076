"""What names a question in a list."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.run_identity import workload_key, workload_label
from core.domain.workload import Api, Dataset, Spread
from tests.fakes import samples

TALKS = Dataset("talks.jsonl", "d" * 64, 12, "jsonl")


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "128/128"),
        ({"api": Api.CHAT}, "128/128 chat"),
        ({"input_spread": Spread(64, 192)}, "64-192/128"),
        ({"output_spread": Spread(64, 192, 20.0)}, "128/128±20"),
        ({"dataset": TALKS}, "128/128 talks.jsonl"),
        ({"prefix_share": 0.5, "turns": 4}, "128/128 prefix=0.5 turns=4"),
        ({"temperature": 0.7, "top_p": 0.9, "top_k": 40}, "128/128 T=0.7 top-p=0.9 top-k=40"),
        ({"ignore_eos": False}, "128/128 eos"),
    ],
)
def test_two_questions_have_two_labels(changes: dict[str, Any], label: str) -> None:
    asked = samples.workload(**changes)
    assert workload_label(asked) == label
    assert (workload_key(asked) == workload_key(samples.workload())) == (not changes)


def test_what_does_not_make_another_question_is_not_named() -> None:
    longer = samples.workload((1, 2, 4), repeats=3, stop_at_peak=True)
    assert (workload_label(longer), workload_key(longer)) == ("128/128", workload_key(samples.workload()))
