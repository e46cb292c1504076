"""What a version is called, wherever it stands."""

from __future__ import annotations

import pytest

from render.version_words import told_apart, version_label, version_name


@pytest.mark.parametrize(
    ("model", "label", "origin", "name"),
    [
        ("DeepSeek-R1", "W8A8", "attached", "DeepSeek-R1 W8A8"),
        ("DeepSeek-R1-0528", "0528", "attached", "DeepSeek-R1-0528"),
        ("DeepSeek-R10528", "0528", "attached", "DeepSeek-R10528 0528"),
        ("DeepSeek-R1", "", "attached", "DeepSeek-R1"),
        ("DeepSeek-R1", "DeepSeek-R1", "attached", "DeepSeek-R1"),
        ("DeepSeek-R1", "DeepSeek-R1 @ vllm_vacc:1202", "deployed", "DeepSeek-R1 @ vllm_vacc:1202"),
        ("DeepSeek-R1", "DeepSeek-R1-0528 @ vllm:1", "deployed", "DeepSeek-R1 DeepSeek-R1-0528 @ vllm:1"),
        ("simulated-model", "Simulated", "simulated", "simulated-model"),
        ("simulated-model", "模拟", "simulated", "simulated-model"),
        ("DeepSeek-R1", "W8A8", "simulated", "DeepSeek-R1 W8A8"),
    ],
)
def test_model_and_label_are_each_said_once(model: str, label: str, origin: str, name: str) -> None:
    assert version_name(model, label, origin) == name


def test_only_a_simulated_servers_own_word_is_no_label() -> None:
    assert version_label("Simulated", "attached") == "Simulated"
    assert version_label("Simulated", "simulated") == ""


def test_only_names_that_stand_there_twice_are_marked() -> None:
    assert told_apart(["R1", "0528", "R1"], ["a", "b", "c"]) == ("R1 (a)", "0528", "R1 (c)")
