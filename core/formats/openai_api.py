"""The OpenAI-compatible HTTP API as vLLM speaks it: the probes that a check sends, and how their answers read. No I/O.

Observed on vLLM 0.32.0; older builds name the reasoning delta ``reasoning_content``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.endpoint import ServedModel, Task

_OUT_OF_RANGE_TOKEN_ID = 99_999_999
_VOCABULARY_SIZE = re.compile(r"vocab(?:ulary)?[ _]size\W{1,3}(\d+)", re.IGNORECASE)
_DETAIL_LIMIT = 300


def parse_json(body: bytes) -> Any:
    """The body as JSON, or None where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def parse_models(body: bytes) -> tuple[ServedModel, ...] | None:
    """The answer of /v1/models; None where it is not a list of models."""
    answer = parse_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        return None
    entries = (entry for entry in answer["data"] if isinstance(entry, dict))
    return tuple(_served_model(entry) for entry in entries if isinstance(entry.get("id"), str))


def _served_model(entry: Mapping[str, Any]) -> ServedModel:
    root = entry.get("root")
    return ServedModel(entry["id"], _positive(entry.get("max_model_len")), root if isinstance(root, str) else None)


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def error_detail(body: bytes) -> str:
    """The server's own words about an error, on one line and at most 300 characters; empty where it has none."""
    answer = parse_json(body)
    error = answer.get("error", answer) if isinstance(answer, dict) else None
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail")
    text = error if isinstance(error, str) else ""
    return " ".join(text.split())[:_DETAIL_LIMIT]


def is_unknown_model(body: bytes) -> bool:
    """Whether a 404 means the served name, not the path."""
    detail = error_detail(body).lower()
    return "model" in detail and ("not exist" in detail or "not found" in detail)


def vocabulary_probe(served_name: str) -> dict[str, Any]:
    """A request that vLLM refuses, naming its vocabulary's size: a bias on a token id far out of range."""
    return {
        "model": served_name,
        "prompt": [1],
        "max_tokens": 1,
        "logit_bias": {str(_OUT_OF_RANGE_TOKEN_ID): 1},
    }


def parse_vocabulary_size(body: bytes) -> int | None:
    """The size that the refusal of ``vocabulary_probe`` names."""
    match = _VOCABULARY_SIZE.search(error_detail(body))
    return int(match[1]) if match else None


def completion_body(served_name: str, max_tokens: int = 1) -> dict[str, Any]:
    """A small completion of a text prompt."""
    return {"model": served_name, "prompt": "Hello", "max_tokens": max_tokens, "temperature": 0}


def chat_body(served_name: str, max_tokens: int = 1) -> dict[str, Any]:
    """A small chat of one message."""
    messages = [{"role": "user", "content": "Hello"}]
    return {"model": served_name, "messages": messages, "max_tokens": max_tokens, "temperature": 0}


def streamed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same request, streamed, with token counts on its last chunk."""
    return {**body, "stream": True, "stream_options": {"include_usage": True}}


def parse_completion(body: bytes) -> str | None:
    """The text of a completion or a chat, reasoning included; None where it is neither."""
    answer = parse_json(body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    choice = choices[0]
    if isinstance(choice.get("text"), str):
        return str(choice["text"])
    message = choice.get("message")
    return _reasoning(message) + _content(message) if isinstance(message, dict) else None


@dataclass(frozen=True)
class Probe:
    """One small request, and whether its answer is of that kind. ``path`` follows the base URL."""

    path: str
    body: Callable[[str], dict[str, Any]]
    is_answered: Callable[[bytes], bool]


def _embedding_body(served_name: str) -> dict[str, Any]:
    return {"model": served_name, "input": "Hello"}


def _is_embedding(body: bytes) -> bool:
    """A vector, as numbers or in base64."""
    first = _first_of(body, "data")
    return first is not None and isinstance(first.get("embedding"), list | str)


def _rerank_body(served_name: str) -> dict[str, Any]:
    return {"model": served_name, "query": "Hello", "documents": ["Hello"]}


def _is_ranking(body: bytes) -> bool:
    first = _first_of(body, "results")
    return first is not None and isinstance(first.get("relevance_score"), int | float)


def _first_of(body: bytes, name: str) -> Mapping[str, Any] | None:
    answer = parse_json(body)
    found = answer.get(name) if isinstance(answer, dict) else None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


POOLING: Mapping[Task, Probe] = {
    Task.EMBED: Probe("embeddings", _embedding_body, _is_embedding),
    Task.SCORE: Probe("rerank", _rerank_body, _is_ranking),
}
"""Models that write no text. vLLM gives an embedding model /rerank too, by the angle between vectors: embeddings come
first."""


@dataclass(frozen=True)
class StreamSummary:
    """What a streamed answer held. ``chunks`` counts events with a choice in them: a token may decode to no text."""

    chunks: int
    reasons: bool
    has_usage: bool
    ended: bool
    error: str | None

    @property
    def is_stream(self) -> bool:
        """Whether at least one chunk came as an event."""
        return self.chunks > 0


def summarize_stream(body: bytes) -> StreamSummary:
    """Reads a whole server-sent stream."""
    chunks, reasons, has_usage, ended, error = 0, False, False, False, None
    for data in _events(body):
        if data == "[DONE]":
            ended = True
            continue
        event = parse_json(data.encode())
        if not isinstance(event, dict):
            continue
        if "error" in event:
            error = error_detail(data.encode())
        has_usage = has_usage or isinstance(event.get("usage"), dict)
        deltas = list(_deltas(event))
        reasons = reasons or any(_reasoning(delta) for delta in deltas)
        chunks += bool(deltas)
    return StreamSummary(chunks, reasons, has_usage, ended, error)


def _events(body: bytes) -> Iterator[str]:
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()


def _deltas(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            delta = choice.get("delta")
            yield delta if isinstance(delta, dict) else choice


def _reasoning(delta: Mapping[str, Any]) -> str:
    text = delta.get("reasoning") or delta.get("reasoning_content")
    return text if isinstance(text, str) else ""


def _content(delta: Mapping[str, Any]) -> str:
    text = delta.get("content") or delta.get("text")
    return text if isinstance(text, str) else ""
