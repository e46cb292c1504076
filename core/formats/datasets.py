"""Files of prompts: ShareGPT's JSON, or one JSON object a line. Both become lines ``{"prompt", "messages",
"output_tokens"}``, which is what is kept and what the load generator reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import BadInput

LIMIT_BYTES = 64 * 1024 * 1024
_CHARACTERS_PER_TOKEN = 4
"""A guess for English text; Chinese has about one and a half. Only what the plan foresees depends on it."""
_PROMPT_NAMES = ("prompt", "question", "input", "text", "instruction")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


@dataclass(frozen=True)
class BadLine:
    """A part of a file that was left out: its line (of a JSON array: its place, from 1), and why (a code)."""

    line: int
    code: str


@dataclass(frozen=True)
class PromptFile:
    """``samples`` are ready to be kept."""

    kind: Literal["sharegpt", "jsonl"]
    samples: tuple[Mapping[str, Any], ...]
    bad: tuple[BadLine, ...]

    @property
    def has_messages(self) -> bool:
        """Whether some sample is a conversation, which only the chat route takes."""
        return any(sample.get("messages") for sample in self.samples)

    @property
    def mean_tokens(self) -> int:
        """A guess at a prompt's length."""
        characters = sum(len(json.dumps(sample.get("messages") or sample["prompt"])) for sample in self.samples)
        return max(1, characters // _CHARACTERS_PER_TOKEN // max(1, len(self.samples)))

    def text(self) -> str:
        """One JSON object a line."""
        return "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in self.samples)


def read_prompts(content: bytes) -> PromptFile:
    """Raises BadInput: prompts_too_large (limit_mib), prompts_not_text, prompts_not_json (line, detail) and
    prompts_none (where no line is a prompt)."""
    if len(content) > LIMIT_BYTES:
        raise BadInput("prompts_too_large", field="dataset", limit_mib=LIMIT_BYTES >> 20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("prompts_not_text", field="dataset", offset=error.start) from error
    is_array = text.lstrip().startswith("[")
    entries = _array(text) if is_array else _lines(text)
    samples: list[Mapping[str, Any]] = []
    bad: list[BadLine] = []
    for line, entry in entries:
        sample = _sample(entry)
        bad += [BadLine(line, sample)] if isinstance(sample, str) else []
        samples += [sample] if not isinstance(sample, str) else []
    if not samples:
        raise BadInput("prompts_none", field="dataset", count=len(bad))
    return PromptFile("sharegpt" if is_array else "jsonl", tuple(samples), tuple(bad))


def _array(text: str) -> Iterator[tuple[int, Any]]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadInput("prompts_not_json", field="dataset", line=line, detail=str(error)) from error
    yield from enumerate(entries, 1)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, None


def _sample(entry: Any) -> Mapping[str, Any] | str:
    """The sample, or the code of what is wrong with it."""
    if not isinstance(entry, dict):
        return "not_an_object"
    messages = entry.get("conversations") or entry.get("messages")
    if messages is not None:
        return _conversation(entry, messages)
    prompt = next((entry[name] for name in _PROMPT_NAMES if isinstance(entry.get(name), str)), "")
    return {"prompt": prompt, "output_tokens": _output_tokens(entry)} if prompt.strip() else "no_prompt"


def _conversation(entry: Mapping[str, Any], messages: Any) -> Mapping[str, Any] | str:
    """ShareGPT: the first thing that a person says. OpenAI's form: all messages, down to the last person's."""
    said = list(_said(messages)) if isinstance(messages, list) else []
    users = [number for number, (role, _) in enumerate(said) if role == "user"]
    if not users:
        return "no_prompt"
    prompt = said[users[0]][1]
    if "conversations" in entry:
        return {"prompt": prompt, "output_tokens": _output_tokens(entry)}
    whole = [{"role": role, "content": text} for role, text in said[: users[-1] + 1]]
    return {"prompt": prompt, "messages": whole, "output_tokens": _output_tokens(entry)}


def _said(messages: list[Any]) -> Iterator[tuple[str, str]]:
    for message in messages:
        if not isinstance(message, dict):
            continue
        role = _ROLES.get(str(message.get("from") or message.get("role")))
        text = message.get("value") or message.get("content")
        if role and isinstance(text, str) and text.strip():
            yield role, text


def _output_tokens(entry: Mapping[str, Any]) -> int | None:
    found = entry.get("output_tokens") or entry.get("max_tokens")
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1_000_000 else None
