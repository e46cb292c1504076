"""Files of prompts: read, tidied, and refused with the line."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from core.errors import BadInput
from core.formats import datasets
from core.formats.datasets import TURNS_MARK, BadLine, PromptFile, read_prompts

SHAREGPT = [
    {"id": "a", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes?"}]},
    {"id": "b", "conversations": [{"from": "gpt", "value": "alone"}]},
    {"id": "c", "conversations": [{"from": "system", "value": "s"}, {"from": "user", "value": "你好"}]},
    "text",
]


def read(content: bytes) -> tuple[PromptFile, list[dict[str, Any]]]:
    found, lines = read_prompts(BytesIO(content))
    return found, [json.loads(line) for line in lines]


def test_sharegpt_gives_what_a_person_says_first_and_the_recorded_answers_length() -> None:
    found, samples = read(json.dumps(SHAREGPT, ensure_ascii=False).encode())
    assert found.kind == "sharegpt"
    assert [(sample["prompt"], sample["output_tokens"]) for sample in samples] == [("Hi", 1), ("你好", None)]
    assert found.bad == [BadLine(2, "no_prompt"), BadLine(4, "not_an_object")]
    assert not found.has_messages


def test_a_recorded_conversation_keeps_its_turns() -> None:
    said = [("human", "a" * 400), ("gpt", "b" * 80), ("human", "c"), ("gpt", "d" * 40), ("human", "e")]
    talk = {"conversations": [{"from": who, "value": text} for who, text in said]}
    found, (sample, short) = read(json.dumps([talk, SHAREGPT[0]]).encode())
    assert sample["n_turns"] == 3
    assert [length for *_, length in sample["turns"]] == [20, 10, None]
    assert [asked[0] for asked, *_ in sample["turns"]] == ["a", "c", "e"]
    assert "turns" not in short
    known = found.dataset("talks.json", "0" * 64)
    assert (known.turns_at_least, known.output_tokens) == ((2, 1, 1), 10)
    assert (known.longest_input, known.longest_total) == (100, 120)
    line = next(read_prompts(BytesIO(json.dumps([talk]).encode()))[1])
    assert line.startswith(f"{TURNS_MARK}3,"), "so that nobody has to read the rest"


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_a_file_is_read_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    array = json.dumps(SHAREGPT, ensure_ascii=False, indent=1).encode()
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in SHAREGPT[:3]).encode()
    whole = [read(array)[1], read(lines)[1]]
    monkeypatch.setattr(datasets, "_CHUNK_BYTES", chunk)
    assert [read(array)[1], read(lines)[1]] == whole
    with pytest.raises(BadInput) as cut:
        read(array[:-40])
    assert cut.value.code == "prompts_not_json"
    assert cut.value.params["line"] > 10


def test_lines_of_several_kinds() -> None:
    lines = [
        '{"prompt": "p", "output_tokens": 7}',
        '{"question": "q", "max_tokens": true}',
        "",
        json.dumps({"messages": [{"role": r, "content": r[0]} for r in ("system", "user", "assistant")]}),
        '{"prompt": "  "}',
        '{"prompt": "cut',
    ]
    found, samples = read(("\ufeff" + "\n".join(lines)).encode())
    assert [(one["prompt"], one["output_tokens"]) for one in samples] == [("p", 7), ("q", None), ("u", None)]
    assert [message["role"] for message in samples[2]["messages"]] == ["system", "user"]
    assert found.has_messages
    assert [one.line for one in found.bad] == [5, 6]
    assert found.dataset("x", "0").input_tokens == 6


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "prompts_none"),
        (b"\xff\xfe", "prompts_not_text"),
        (b'[{"conversations": [}', "prompts_not_json"),
        (b"[" * 100_000, "prompts_not_json"),
        (b'{"answer": 42}\n{"answer": 43}', "prompts_none"),
    ],
)
def test_what_is_no_file_of_prompts(content: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(content)
    assert caught.value.code == code


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "LIMIT_BYTES", 10)
    with pytest.raises(BadInput) as caught:
        read(b'{"prompt": "more than ten bytes"}')
    assert caught.value.code == "prompts_too_large"
