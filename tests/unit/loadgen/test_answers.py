from __future__ import annotations

import json
from typing import Any

import pytest

from core.domain.workload import Api
from core.loadgen.answers import read_exchange
from core.loadgen.exchange import Exchange
from core.loadgen.records import Record

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
DONE = "[DONE]"


def event(content: Any, newline: str = "\n") -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return f"data: {text}{newline}{newline}".encode()


def frame(*events: bytes) -> bytes:
    data = b"".join(events)
    return b"%x\r\n%b\r\n" % (len(data), data)


def text(value: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": value, "finish_reason": finish}]}


def delta(finish: str | None = None, **content: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}}


def record_of(*reads: tuple[float, bytes], api: Api = Api.COMPLETIONS, failure: str | None = None) -> Record:
    exchange = Exchange(3, 0.5)
    exchange.started = 1.0
    for stamp, data in reads:
        exchange.stamps.append(stamp)
        exchange.chunks.append(data)
        exchange.is_complete(data)
    exchange.ended = reads[-1][0] if reads else 1.0
    exchange.failure = failure
    return read_exchange(exchange, api, process=1)


def test_times_and_counts_of_a_stream():
    record = record_of(
        (1.2, HEAD + frame(event(text("a")))),
        (1.3, frame(event(text("b")))),
        (1.5, frame(event(text("c", "length")))),
        (1.6, frame(event(usage(5, 3))) + frame(event(DONE)) + END),
    )
    assert record.failure is None
    assert record.ttft_ms == pytest.approx(200)
    assert list(record.itl_ms) == pytest.approx([100, 200])
    assert record.e2el_ms == pytest.approx(500)
    assert record.tpot_ms == pytest.approx(150)
    assert (record.index, record.process, record.input_tokens, record.output_tokens) == (3, 1, 5, 3)


def test_tokens_come_from_usage_and_not_from_chunks():
    record = record_of(
        (1.2, HEAD + frame(event(text("a b")))),
        (1.4, frame(event(text("c d", "length"))) + frame(event(usage(5, 4))) + frame(event(DONE)) + END),
    )
    assert record.output_tokens == 4
    assert len(record.itl_ms) == 1
    assert record.tpot_ms == pytest.approx(200 / 3)


def test_without_usage_tokens_are_unknown_and_not_zero():
    record = record_of((1.2, HEAD + frame(event(text("a", "stop"))) + frame(event(DONE)) + END))
    assert (record.failure, record.output_tokens, record.tpot_ms) == (None, None, None)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_events_cut_anywhere_are_stamped_when_they_are_whole(newline):
    first, second = event(text("a"), newline), event(text("b", "stop"), newline)
    whole = frame(first[:9]) + frame(first[9:] + second[:4]) + frame(second[4:], event(DONE, newline)) + END
    record = record_of((1.1, HEAD), (1.2, whole[:12]), (1.3, whole[12:40]), (1.9, whole[40:]))
    assert record.failure is None
    assert record.ttft_ms == pytest.approx(900)
    assert list(record.itl_ms) == [0.0]


def test_an_empty_completion_chunk_is_a_token_whose_text_is_held_back():
    record = record_of((1.2, HEAD + frame(event(text("")))), (1.3, frame(event(text("é", "stop"))) + END))
    assert record.ttft_ms == pytest.approx(200)


@pytest.mark.parametrize("first", [{"role": "assistant", "content": ""}, {"role": "assistant"}, {"content": None}])
def test_a_chat_begins_with_its_first_content(first):
    record = record_of(
        (1.1, HEAD + frame(event(delta(**first)))),
        (1.4, frame(event(delta(content="a")))),
        (1.6, frame(event(delta("stop", content="")))),
        (1.6, frame(event(usage(9, 2))) + frame(event(DONE)) + END),
        api=Api.CHAT,
    )
    assert record.ttft_ms == pytest.approx(400)
    assert list(record.itl_ms) == pytest.approx([200])


def test_a_chunk_that_only_says_why_it_ended_is_no_token():
    record = record_of(
        (1.1, HEAD + frame(event(delta(role="assistant", content="a")))),
        (1.3, frame(event(delta(content="b")))),
        (1.9, frame(event(delta("stop"))) + frame(event(DONE)) + END),
        api=Api.CHAT,
    )
    assert (record.failure, record.ttft_ms) == (None, pytest.approx(100))
    assert list(record.itl_ms) == pytest.approx([200])


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_output(name):
    record = record_of(
        (1.1, HEAD + frame(event(delta(role="assistant", content="")))),
        (1.2, frame(event(delta(**{name: "hm", "content": None})))),
        (1.3, frame(event(delta(content="a")))),
        (1.4, frame(event(delta("stop", content="b"))) + frame(event(DONE)) + END),
        api=Api.CHAT,
    )
    assert record.ttft_ms == pytest.approx(200)
    assert list(record.itl_ms) == pytest.approx([100, 100])


def test_continuous_usage_is_not_taken_for_the_end():
    reads = [(1.0 + n / 10, frame(event(text("a") | {"usage": {"completion_tokens": n}}))) for n in (1, 2, 3)]
    record = record_of((1.05, HEAD), *reads, (1.5, frame(event(DONE)) + END))
    assert (record.failure, record.output_tokens, len(record.itl_ms)) == (None, 3, 2)


def test_quoted_json_in_a_text_deceives_nobody():
    said = text('{"choices":[{"finish_reason":"stop","usage":{"error"')
    record = record_of((1.2, HEAD + frame(event(said))), (1.3, frame(event(said))), failure="disconnected")
    assert (record.failure, len(record.itl_ms)) == ("truncated", 1)


@pytest.mark.parametrize(
    ("reads", "failure", "kind"),
    [
        ((), "connect", "connect"),
        ((), "disconnected", "disconnected"),
        (((1.2, HEAD),), "disconnected", "disconnected"),
        (((1.2, HEAD + frame(event(text("a")))),), "disconnected", "truncated"),
        (((1.2, HEAD + frame(event(text("a")))),), "timeout", "timeout"),
        (((1.2, HEAD + frame(event(text("a"))) + END),), None, "truncated"),
        (((1.2, HEAD + frame(event(text("a", "stop")))),), "disconnected", None),
        (((1.2, HEAD + frame(event(DONE)) + END),), None, "empty"),
        (((1.2, HEAD + frame(event("{not json")) + END),), None, "stream_error"),
        (
            ((1.2, HEAD + frame(event(text("a"))) + frame(event({"error": {"message": "x"}})) + END),),
            None,
            "stream_error",
        ),
        (((1.2, b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\n<p>"),), None, "bad_answer"),
        (
            ((1.2, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"),),
            None,
            "bad_answer",
        ),
        (((1.2, b"HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\n<p>"),), None, "http_502"),
    ],
)
def test_failures_have_kinds(reads, failure, kind):
    assert record_of(*reads, failure=failure).failure == kind


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "This model's maximum context length is 4096 tokens. However, ...", "over_length"),
        (400, "max_tokens must be at least 1, got 0.", "over_length"),
        (422, "prompt is too long", "over_length"),
        (400, "Token id 4000 is out of vocabulary", "http_400"),
        (500, "This model's maximum context length is 4096 tokens.", "http_500"),
    ],
)
def test_over_length_is_told_from_other_refusals(status, message, kind):
    body = json.dumps({"error": {"message": message}}).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    record = record_of((1.2, head + body))
    assert (record.failure, record.detail) == (kind, message)
