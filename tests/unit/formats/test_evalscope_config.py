"""A configuration that EvalScope saved, read as our request."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.evaluation import Sampling
from core.formats.evalscope_config import read_request


@pytest.mark.parametrize(
    ("generation", "sampling"),
    [
        ({}, Sampling(temperature=0.0)),
        ({"max_tokens": 64}, Sampling(temperature=None)),
        ({"temperature": 0.6, "top_k": 20}, Sampling(temperature=0.6, top_k=20)),
        (
            {"temperature": 0.6, "extra_body": {"min_p": 0.1, "top_k": 20, "chat_template_kwargs": {"thinking": True}}},
            Sampling(temperature=0.6, top_k=20, min_p=0.1),
        ),
    ],
)
def test_sampling_is_read_wherever_it_stands(generation: dict[str, Any], sampling: Sampling) -> None:
    request = read_request({"model": "m", "generation_config": generation}, ("gsm8k",))
    assert request.sampling == sampling
    assert request.thinking is (True if "extra_body" in generation else None)


def test_without_a_configuration_nothing_is_known_of_it() -> None:
    assert read_request({}, ("gsm8k",)).sampling == Sampling(temperature=None)
