"""What vLLM 0.32 refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.requests import ApiError, RequestReader, read_body
from simulator.settings import Fault, FaultKind, SimulatorSettings, parse_fault
from simulator.tokens import Tokenizer

SETTINGS = SimulatorSettings(model="tiny")
READER = RequestReader(SETTINGS, Tokenizer(SETTINGS.vocabulary_size))
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}


def refusal(body: dict[str, Any]) -> dict[str, Any]:
    """The error of a completion."""
    with pytest.raises(ApiError) as raised:
        READER.completion(body)
    error = raised.value.body["error"]
    assert error["code"] == raised.value.status
    return error


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"prompt": [1], "stream_options": {"include_usage": True}}, "Stream options can only be defined when"),
        ({"prompt": []}, "You must pass at least one prompt"),
        ({"prompt": ""}, "Either prompt or prompt_embeds must be provided and non-empty."),
        ({}, "Either prompt or prompt_embeds must be provided and non-empty."),
        ({"prompt": [4000]}, "Token id 4000 is out of vocabulary"),
        ({"prompt": [-1]}, "greater than or equal to 0"),
        ({"prompt": [1.5]}, "valid string or list of integers"),
        ({"prompt": [1], "max_tokens": 0}, "max_tokens must be at least 1, got 0"),
        ({"prompt": [1], "max_tokens": "5"}, "valid integer"),
        ({"prompt": [1] * 4096}, "max_tokens must be at least 1, got 0"),
        ({"prompt": [1] * 4097}, "maximum context length is 4096 tokens. However, your prompt contains at least 4097"),
        ({"prompt": [1] * 4000, "max_tokens": 97}, "for a total of at least 4097 tokens"),
        ({"prompt": [1], "logit_bias": {"99999999": 1}}, "out-of-vocab token ids. Vocabulary size: 4000"),
        ({"prompt": [1], "stop_token_ids": [4000]}, "out-of-vocab token ids. Vocabulary size: 4000"),
        ({"prompt": [1], "temperature": -1}, "temperature must be non-negative"),
        ({"prompt": [1], "top_p": 0}, "top_p must be in (0, 1]"),
        ({"prompt": [1], "n": 0}, "n must be at least 1"),
        ({"prompt": [1], "min_tokens": 20, "max_tokens": 10}, "min_tokens must be"),
        ({"prompt": [1], "stream": "yes"}, "valid boolean"),
        ({"prompt": [1], "echo": True}, "not simulated"),
    ],
)
def test_refused_completions(body: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(body)["message"]


def test_over_length_names_the_field_that_clients_look_at() -> None:
    error = refusal({"prompt": [1] * 4097})
    assert (error["type"], error["param"]) == ("BadRequestError", "input_tokens")


def test_an_unknown_model_is_404_and_no_model_is_the_one_there_is() -> None:
    assert (refusal({"model": "x", "prompt": [1]})["code"], refusal({"model": "x"})["type"]) == (404, "NotFoundError")
    assert READER.completion({"prompt": [1]}).model == "tiny"


def test_exact_lengths() -> None:
    whole = READER.completion({"prompt": [1] * 4095, "max_tokens": 1, "ignore_eos": True})
    assert (whole.prompt_tokens, whole.max_tokens) == (4095, 1)
    assert READER.completion({"prompt": [1, 2, 3]}).max_tokens == 16
    assert READER.chat(CHAT).max_tokens == 4096 - READER.chat(CHAT).prompt_tokens
    assert READER.chat({**CHAT, "max_tokens": 9, "max_completion_tokens": 5}).max_tokens == 5


def test_several_prompts_and_copies_are_choices() -> None:
    assert READER.completion({"prompt": [[1, 2], [3]], "n": 2}).prompts == ((1, 2), (1, 2), (3,), (3,))


@pytest.mark.parametrize(
    "messages", [None, [], [{"content": "x"}], [{"role": "user", "content": [{"type": "image_url"}]}]]
)
def test_refused_chats(messages: object) -> None:
    with pytest.raises(ApiError):
        READER.chat({"messages": messages})


@pytest.mark.parametrize(
    ("kind", "raw"), [("text/plain", b"{}"), ("application/json", b"{"), ("application/json", b"[]")]
)
def test_bodies_that_are_none(kind: str, raw: bytes) -> None:
    with pytest.raises(ApiError):
        read_body(kind, raw)


def test_faults_are_read_from_the_command_line() -> None:
    assert parse_fault("status:429:0.05") == Fault(FaultKind.STATUS, 0.05, 429)
    assert parse_fault("die-after:3") == Fault(FaultKind.DIE_AFTER, 3)
    for wrong in ("status:429", "hang:1", "unknown", "slow"):
        with pytest.raises(ValueError, match=r"."):
            parse_fault(wrong)


def test_what_it_was_told_to_say_is_said_to_the_word() -> None:
    settings = SimulatorSettings(model="tiny", answers=(("capital of France", '{"verdict": "A"}\n  Paris'),))
    reader = RequestReader(settings, Tokenizer(settings.vocabulary_size))
    asked = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
    assert "".join(reader.chat(asked).script) == '{"verdict": "A"}\n  Paris'
    assert reader.chat(CHAT).script == () == reader.chat({**asked, "ignore_eos": True}).script
