"""Answers of OpenAI-compatible servers, as they were seen."""

from __future__ import annotations

import json

import pytest

from core.domain.endpoint import ServedModel
from core.formats import openai_api as api


def test_models_with_and_without_a_length() -> None:
    body = b'{"object":"list","data":[{"id":"tiny","root":"/weights/tiny","max_model_len":4096},{"id":"lora"},{"x":1}]}'
    assert api.parse_models(body) == (ServedModel("tiny", 4096, "/weights/tiny"), ServedModel("lora"))


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b'{"data":1}', b"", b"\xff", b'"x"'])
def test_what_is_no_list_of_models(body: bytes) -> None:
    assert api.parse_models(body) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"message":"The model `x`\\n does not exist.","code":404}}', "The model `x` does not exist."),
        (b'{"error":"Unauthorized"}', "Unauthorized"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"object":"error","message":"old shape","code":400}', "old shape"),
        (b"<html>", ""),
        (b'{"error":{"message":null}}', ""),
        (b'{"error":{"message":"' + b"x" * 999 + b'"}}', "x" * 300),
    ],
)
def test_a_servers_own_words(body: bytes, expected: str) -> None:
    assert api.error_detail(body) == expected


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("token_id(s) [99999999] in logit_bias contain out-of-vocab token ids. Vocabulary size: 4000", 4000),
        ("stop_token_ids out of range, vocab_size=151936", 151936),
        ("Bad request", None),
    ],
)
def test_the_refusal_names_the_vocabulary(message: str, size: int | None) -> None:
    assert api.parse_vocabulary_size(b'{"error":{"message":"%s"}}' % message.encode()) == size


def test_an_unknown_model_is_not_a_wrong_path() -> None:
    assert api.is_unknown_model(b'{"error":{"message":"The model `x` does not exist."}}')
    assert not api.is_unknown_model(b'{"detail":"Not Found"}')


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_a_reasoning_stream(name: str) -> None:
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {name: "hm"}}]},
        {"choices": [], "usage": {"completion_tokens": 1}},
    ]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    assert api.summarize_stream(body.encode()) == api.StreamSummary(2, True, True, True, None)


def test_a_stream_that_ends_in_an_error() -> None:
    body = b'data: {"choices":[{"text":""}]}\n\ndata: {"error":{"message":"EngineCore died"}}\n\n'
    summary = api.summarize_stream(body)
    assert (summary.is_stream, summary.ended, summary.error) == (True, False, "EngineCore died")


@pytest.mark.parametrize("body", [b'{"choices":[{"message":{"content":"hi"}}]}', b"", b"data: [1]\n", b"data: {\n"])
def test_what_is_no_stream(body: bytes) -> None:
    assert not api.summarize_stream(body).is_stream


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"choices":[{"text":" word"}]}', " word"),
        (b'{"choices":[{"message":{"content":"b","reasoning":"a"}}]}', "ab"),
        (b'{"choices":[{"message":{"content":null}}]}', ""),
        (b'{"choices":[]}', None),
        (b"<html>", None),
    ],
)
def test_the_text_of_a_completion(body: bytes, text: str | None) -> None:
    assert api.parse_completion(body) == text
