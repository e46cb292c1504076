from __future__ import annotations

import json

from core.domain.workload import Api
from core.loadgen.exchange import Exchange
from core.loadgen.keeper import Keeper

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def exchange(index: int, tokens: int, padding: int = 0) -> Exchange:
    events = [{"choices": [{"text": "x" * (1 + padding), "finish_reason": None}]}] * (tokens - 1)
    events += [{"choices": [{"text": "x", "finish_reason": "length"}]}]
    events += [{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": tokens}}]
    made = Exchange(index, 1.0)
    made.started = 1.0
    for number, event in enumerate(events):
        data = b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
        made.chunks.append((b"" if number else HEAD) + b"%x\r\n%b\r\n" % (len(data), data))
        made.stamps.append(2.0 + number)
    made.chunks[-1] += b"0\r\n\r\n"
    made.is_complete(made.chunks[0])
    made.ended = made.stamps[-1]
    return made


def test_progress_is_told_from_the_surface():
    keeper = Keeper(Api.COMPLETIONS, process=0)
    keeper.keep(exchange(0, 4))
    lost = Exchange(1, 1.0)
    lost.failure = "connect"
    keeper.keep(lost)
    assert (keeper.done, keeper.failed, keeper.output_tokens, keeper.tokens_per_read) == (1, 1, 4, 4 / 5)


def test_above_its_limit_it_reads_the_oldest_and_keeps_the_rest_unread():
    keeper = Keeper(Api.COMPLETIONS, process=0, memory_limit_bytes=12_000)
    for index in range(8):
        keeper.keep(exchange(index, 3, padding=2_000))
        keeper.relieve()
    assert keeper.unread_bytes <= 12_000
    assert keeper.unread_bytes > 0
    records = keeper.records()
    assert [record.index for record in records] == list(range(8))
    assert all(record.failure is None and record.output_tokens == 3 for record in records)
    assert keeper.unread_bytes == 0
