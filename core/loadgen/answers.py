"""Reads an exchange's bytes after the fact: which reads carried output, what the server counted, how it failed."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from core.domain.workload import Api
from core.loadgen import failures
from core.loadgen.exchange import Exchange
from core.loadgen.framing import CHUNKED, FramingError, Head, chunk_spans
from core.loadgen.records import Record

_DETAIL_LIMIT = 300
_OVER_LENGTH = re.compile(
    r"context length|max_model_len|maximum (?:model|input|sequence|prompt|allowed)|too long|longer than|"
    r"exceeds? the max|max_tokens must be at least 1, got",
    re.IGNORECASE,
)
_OUTPUT_FIELDS = ("content", "reasoning", "reasoning_content", "tool_calls", "function_call")
_PLAIN_DELTA = re.compile(rb'"(?:content":"|reasoning(?:_content)?":"[^"])')


def read_exchange(exchange: Exchange, api: Api, process: int) -> Record:
    """The record of an exchange."""
    record = Record(exchange.index, process, exchange.due, exchange.started, exchange.ended)
    record.failure, record.detail = exchange.failure, exchange.detail
    head = exchange.head
    if head is None:
        return record
    raw = b"".join(exchange.chunks)
    try:
        body = _Body(raw, head, exchange)
    except FramingError as error:
        record.failure, record.detail = failures.BAD_ANSWER, str(error)
        return record
    if not 200 <= head.status < 300:
        record.failure, record.detail = _refusal(head.status, body.data)
        return record
    if not _is_stream(head, body.data):
        record.failure = record.failure or failures.BAD_ANSWER
        record.detail = record.detail or f"not a stream: {head.content_type or 'no content type'}"
        return record
    stream = _Stream(api)
    for event, stamp in body.events():
        stream.take(event, stamp)
    _conclude(record, stream, body.is_whole)
    return record


class _Body:
    """A response's body without its framing, and when each byte of it had arrived."""

    def __init__(self, raw: bytes, head: Head, exchange: Exchange) -> None:
        spans, self.is_whole = [(head.size, len(raw))], True
        if head.length == CHUNKED:
            spans, self.is_whole = chunk_spans(raw, head.size)
        elif head.length >= 0:
            self.is_whole = len(raw) - head.size >= head.length
        self.data = b"".join([raw[start:end] for start, end in spans])
        self._stamps = exchange.stamps
        self._available = list(_available(spans, accumulate(map(len, exchange.chunks))))

    def events(self) -> Iterator[tuple[bytes, float]]:
        """Server-sent events, each with the time at which its last byte arrived."""
        separator = b"\r\n\r\n" if b"\r\n\r\n" in self.data else b"\n\n"
        available, stamps = self._available, self._stamps
        last = len(available) - 1
        read, position = 0, 0
        for event in self.data.split(separator):
            position += len(event) + len(separator)
            while read < last and available[read] < position:
                read += 1
            if event:
                yield event, stamps[read]


def _available(spans: list[tuple[int, int]], raw_ends: Iterator[int]) -> Iterator[int]:
    """How many bytes of the body were there after each read."""
    number, done = 0, 0
    for raw_end in raw_ends:
        while number < len(spans) and spans[number][1] <= raw_end:
            done += spans[number][1] - spans[number][0]
            number += 1
        partial = max(0, raw_end - spans[number][0]) if number < len(spans) else 0
        yield done + partial


@dataclass
class _Stream:
    """What a stream of events has told so far."""

    api: Api
    stamps: list[float] = field(default_factory=list)
    usage: dict[str, Any] | None = None
    ended: bool = False
    error: str | None = None

    def take(self, event: bytes, stamp: float) -> None:
        """One event. Most are told apart without reading their JSON."""
        if self._is_plain_output(event):
            self.stamps.append(stamp)
            return
        for line in event.splitlines():
            if line.startswith(b"data:"):
                self._data(line[5:].strip(), stamp)

    def _is_plain_output(self, event: bytes) -> bool:
        """Whether the event is an output chunk and nothing else, by its look. False where that takes reading."""
        return (
            b'"choices":[{' in event
            and b'"finish_reason":null' in event
            and b'"usage":{' not in event
            and b'"error"' not in event
            and (self.api is Api.COMPLETIONS or (b'"role"' not in event and _PLAIN_DELTA.search(event) is not None))
        )

    def _data(self, data: bytes, stamp: float) -> None:
        if data == b"[DONE]":
            self.ended = True
            return
        try:
            message = json.loads(data)
        except ValueError:
            self.error = self.error or "an event that is not JSON"
            return
        if isinstance(message, dict):
            self._message(message, stamp)

    def _message(self, message: dict[str, Any], stamp: float) -> None:
        if message.get("error"):
            self.error = self.error or _words(message)
        usage = message.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
        choices = message.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return
        choice = choices[0]
        self.ended = self.ended or choice.get("finish_reason") is not None
        if self.api is Api.COMPLETIONS or _has_output(choice):
            self.stamps.append(stamp)


def _has_output(choice: dict[str, Any]) -> bool:
    """Whether a chat chunk is output, as vLLM sees it: it carries something, or its content is empty and it does not
    name the role (a token that decodes to no text; the first chunk usually names the role and nothing else)."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return False
    return any(delta.get(name) for name in _OUTPUT_FIELDS) or (delta.get("content") == "" and "role" not in delta)


def _conclude(record: Record, stream: _Stream, is_whole: bool) -> None:
    stamps = stream.stamps
    if stamps:
        record.first = stamps[0]
        record.itl_ms = array("f", [(b - a) * 1000.0 for a, b in pairwise(stamps)])
    if stream.usage is not None:
        record.input_tokens = _count(stream.usage.get("prompt_tokens"))
        record.output_tokens = _count(stream.usage.get("completion_tokens"))
    if record.failure in {failures.TIMEOUT, failures.BAD_ANSWER}:
        return
    kind, detail = _verdict(stream, is_whole)
    record.failure, record.detail = kind, (detail or record.detail) if kind else ""


def _verdict(stream: _Stream, is_whole: bool) -> tuple[str | None, str]:
    if stream.error is not None:
        return failures.STREAM_ERROR, stream.error
    if stream.stamps:
        return (None, "") if stream.ended else (failures.TRUNCATED, f"after {len(stream.stamps)} chunks")
    return (failures.EMPTY, "") if is_whole else (failures.DISCONNECTED, "")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_stream(head: Head, body: bytes) -> bool:
    return "event-stream" in head.content_type or body.lstrip()[:5] == b"data:"


def _refusal(status: int, body: bytes) -> tuple[str, str]:
    try:
        answer = json.loads(body)
    except ValueError:
        return failures.http_status(status), ""
    detail = _words(answer) if isinstance(answer, dict) else ""
    if status in {400, 413, 422} and _OVER_LENGTH.search(detail):
        return failures.OVER_LENGTH, detail
    return failures.http_status(status), detail


def _words(answer: dict[str, Any]) -> str:
    error = answer.get("error", answer)
    text = (error.get("message") or error.get("detail")) if isinstance(error, dict) else error
    return " ".join(str(text or "").split())[:_DETAIL_LIMIT]
