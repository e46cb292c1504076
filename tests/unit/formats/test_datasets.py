"""Files of prompts: read, tidied, and refused with the line."""

from __future__ import annotations

import json

import pytest

from core.errors import BadInput
from core.formats import datasets
from core.formats.datasets import BadLine, read_prompts

SHAREGPT = [
    {"id": "a", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes?"}]},
    {"id": "b", "conversations": [{"from": "gpt", "value": "alone"}]},
    {"id": "c", "conversations": [{"from": "system", "value": "s"}, {"from": "user", "value": "你好"}]},
    "text",
]


def test_sharegpt_gives_what_a_person_says_first() -> None:
    found = read_prompts(json.dumps(SHAREGPT).encode())
    assert found.kind == "sharegpt"
    assert [sample["prompt"] for sample in found.samples] == ["Hi", "你好"]
    assert found.bad == (BadLine(2, "no_prompt"), BadLine(4, "not_an_object"))
    assert not found.has_messages
    assert [json.loads(line)["prompt"] for line in found.text().splitlines()] == ["Hi", "你好"]


def test_lines_of_several_kinds() -> None:
    lines = [
        '{"prompt": "p", "output_tokens": 7}',
        '{"question": "q", "max_tokens": true}',
        "",
        json.dumps({"messages": [{"role": r, "content": r[0]} for r in ("system", "user", "assistant")]}),
        '{"prompt": "  "}',
        '{"prompt": "cut',
    ]
    found = read_prompts(("\ufeff" + "\n".join(lines)).encode())
    assert [(one["prompt"], one["output_tokens"]) for one in found.samples] == [("p", 7), ("q", None), ("u", None)]
    assert [message["role"] for message in found.samples[2]["messages"]] == ["system", "user"]
    assert found.has_messages
    assert [one.line for one in found.bad] == [5, 6]
    assert found.mean_tokens >= 1


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
        read_prompts(content)
    assert caught.value.code == code


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "LIMIT_BYTES", 10)
    with pytest.raises(BadInput) as caught:
        read_prompts(b'{"prompt": "more than ten bytes"}')
    assert caught.value.code == "prompts_too_large"
