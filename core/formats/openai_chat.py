"""Streamed chat completions: the request, and its events one by one. Observed on vLLM 0.32.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.domain.chat import ChatParameters, Message, Piece
from core.formats.openai_api import error_detail, parse_json

DONE = "[DONE]"


class StreamError(ValueError):
    """An error in the middle of a stream, in the server's own words."""


def chat_request(served_name: str, messages: Sequence[Message], parameters: ChatParameters) -> dict[str, Any]:
    """What is asked; a parameter that nobody chose is not sent."""
    system = [Message("system", parameters.system)] if parameters.system.strip() else []
    chosen = {
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "seed": parameters.seed,
    }
    return {
        "model": served_name,
        "messages": [{"role": one.role, "content": one.content} for one in (*system, *messages)],
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in chosen.items() if value is not None},
    }


def tools_probe(served_name: str) -> dict[str, Any]:
    """A chat that offers one tool: a server without a tool parser refuses it (400)."""
    function = {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}
    return {
        "model": served_name,
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "auto",
        "max_tokens": 1,
    }


def refuses_tools(status: int, body: bytes) -> bool:
    """Whether an answer to ``tools_probe`` means that there is no tool parser."""
    return status == 400 and "tool" in error_detail(body).lower()


def read_piece(line: str) -> Piece | None:
    """One line of the stream; None where it carries nothing. Raises StreamError."""
    data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
    event = parse_json(data.encode()) if data and data != DONE else None
    if not isinstance(event, dict):
        return None
    if "error" in event:
        raise StreamError(error_detail(data.encode()))
    usage = event.get("usage") or {}
    choices = event.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    return Piece(
        content=_text(delta, "content"),
        reasoning=_text(delta, "reasoning") or _text(delta, "reasoning_content"),
        finish_reason=choices[0].get("finish_reason"),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


def is_end(line: str) -> bool:
    """Whether a line says that the stream is whole."""
    return line.startswith("data:") and line.removeprefix("data:").strip() == DONE


def _text(delta: dict[str, Any], name: str) -> str:
    value = delta.get(name)
    return value if isinstance(value, str) else ""
