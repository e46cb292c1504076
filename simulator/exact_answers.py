"""What an exact server says: heads, chunks and plain answers, formatted once and sent as they are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
CHAT_OVERHEAD_TOKENS = 5
_DEFAULT_MAX_TOKENS = 16
_TOKEN = " tok"
_MAX_TOKENS = re.compile(rb'"max_(?:completion_)?tokens"\s*:\s*(\d+)')
_STREAMS = re.compile(rb'"stream"\s*:\s*true')
_IDS = re.compile(rb'"prompt"\s*:\s*\[([\d,\s]*)\]')
_TEXT = re.compile(rb'"(?:prompt|content)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_FAR_TOKEN_ID = re.compile(rb'"logit_bias"\s*:\s*\{\s*"\d{8,}"')
_REASONS = {400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Wanted:
    """What a request asks for."""

    is_chat: bool
    streams: bool
    prompt_tokens: int
    output_tokens: int


class Answers:
    """Everything that a request can be answered with."""

    def __init__(self, model: str, max_model_len: int, vocabulary_size: int) -> None:
        self._model = model
        self._max_model_len = max_model_len
        self._vocabulary_size = vocabulary_size
        self.chunk = lru_cache(maxsize=64)(self._chunk)
        self.last = lru_cache(maxsize=1024)(self._last)

    def wanted(self, path: str, body: bytes) -> Wanted:
        """Reads a request's body as far as it matters."""
        is_chat = path.endswith("/chat/completions")
        asked = _MAX_TOKENS.search(body)
        return Wanted(
            is_chat=is_chat,
            streams=_STREAMS.search(body) is not None,
            prompt_tokens=_prompt_tokens(body, is_chat),
            output_tokens=max(1, int(asked[1])) if asked else _DEFAULT_MAX_TOKENS,
        )

    def refusal(self, wanted: Wanted, body: bytes) -> bytes | None:
        """An HTTP 400 for what the model could not do, in vLLM's words, else None."""
        if wanted.prompt_tokens + wanted.output_tokens > self._max_model_len:
            return error(
                400,
                f"This model's maximum context length is {self._max_model_len} tokens. However, you requested "
                f"{wanted.output_tokens} output tokens and your prompt contains at least {wanted.prompt_tokens} input "
                "tokens.",
            )
        if _FAR_TOKEN_ID.search(body):
            return error(400, f"logit_bias contains out-of-vocab token ids. Vocabulary size: {self._vocabulary_size}")
        return None

    def plain(self, method: str, path: str, body: bytes) -> bytes:
        """Routes that need no schedule."""
        route = path.partition("?")[0]
        if method == "GET" and route == "/v1/models":
            entry = {"id": self._model, "object": "model", "owned_by": "exact", "max_model_len": self._max_model_len}
            return answer(200, {"object": "list", "data": [entry]})
        if method == "GET" and route in {"/health", "/ping"}:
            return answer(200, {})
        if method == "GET" and route == "/version":
            return answer(200, {"version": "exact-schedule"})
        if method == "POST" and route == "/tokenize":
            count = _prompt_tokens(body, b'"messages"' in body)
            return answer(200, {"count": count, "max_model_len": self._max_model_len, "tokens": [7] * count})
        return error(404, "Not Found")

    def whole(self, wanted: Wanted) -> bytes:
        """The answer that is not streamed."""
        text = _TOKEN * wanted.output_tokens
        said = {"message": {"role": "assistant", "content": text}} if wanted.is_chat else {"text": text}
        choice = {"index": 0, **said, "finish_reason": "length"}
        return answer(200, {**self._envelope(wanted.is_chat), "choices": [choice], "usage": usage(wanted)})

    def role(self) -> bytes:
        """The first chunk of a chat: a role and no token."""
        return _framed(self._event(True, {"role": "assistant", "content": ""}, None))

    def _last(self, wanted: Wanted) -> bytes:
        event = {**self._envelope(wanted.is_chat), "choices": [], "usage": usage(wanted)}
        return _framed(_data(event)) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    def _chunk(self, is_chat: bool, tokens: int, is_reasoning: bool, is_last: bool) -> bytes:
        text = _TOKEN * tokens
        said = {"reasoning" if is_reasoning else "content": text} if is_chat else {"text": text}
        return _framed(self._event(is_chat, said, "length" if is_last else None))

    def _event(self, is_chat: bool, said: dict[str, str], finish_reason: str | None) -> bytes:
        inner: dict[str, object] = {"delta": said} if is_chat else dict(said)
        choice = {"index": 0, **inner, "logprobs": None, "finish_reason": finish_reason, "stop_reason": None}
        return _data({**self._envelope(is_chat), "choices": [choice]})

    def _envelope(self, is_chat: bool) -> dict[str, object]:
        kind = "chat.completion.chunk" if is_chat else "text_completion"
        return {"id": "cmpl-0123456789abcdef0123456789abcdef", "object": kind, "created": 1, "model": self._model}


def usage(wanted: Wanted) -> dict[str, int]:
    """Token counts of an answer."""
    return {
        "prompt_tokens": wanted.prompt_tokens,
        "completion_tokens": wanted.output_tokens,
        "total_tokens": wanted.prompt_tokens + wanted.output_tokens,
    }


def answer(status: int, content: object) -> bytes:
    """A JSON answer with its length."""
    body = json.dumps(content, separators=(",", ":")).encode()
    reason = _REASONS.get(status, "OK")
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def error(status: int, message: str) -> bytes:
    """An error in the API's own form."""
    return answer(status, {"error": {"message": message, "type": "error", "param": None, "code": status}})


def _data(event: object) -> bytes:
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _prompt_tokens(body: bytes, is_chat: bool) -> int:
    """Token ids are counted; in text every word is a token, and a chat has a template around it."""
    ids = _IDS.search(body)
    if ids:
        return ids[1].count(b",") + 1 if ids[1].strip() else 0
    words = sum(len(text.split()) for text in _TEXT.findall(body))
    return words + CHAT_OVERHEAD_TOKENS if is_chat else words
