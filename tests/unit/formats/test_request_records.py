"""The requests' own records: succeeded ones, in the order in which they were sent, without their gaps."""

from __future__ import annotations

import json

import pytest

from core.formats.request_records import latencies


def line(index: int, started_s: float | None, ttft_ms: float | None, failure: str | None = None) -> bytes:
    record = {"index": index, "started_s": started_s, "ttft_ms": ttft_ms, "e2el_ms": 9.0, "failure": failure}
    return f'{json.dumps(record)[:-1]}, "itl_ms": [1.0,2.0]}}\n'.encode()


def test_in_the_order_of_time_and_only_what_succeeded() -> None:
    text = line(0, 2.0, 30.0) + line(1, 1.0, 20.0) + line(2, 0.0, None, "timeout") + b"\n" + line(3, 3.0, None)
    chunks = [text[start : start + 5] for start in range(0, len(text), 5)]
    assert latencies(chunks) == {"ttft_ms": [20.0, 30.0], "tpot_ms": [], "e2el_ms": [9.0, 9.0, 9.0]}


def test_a_file_without_a_last_line_end() -> None:
    assert latencies([line(0, 0.0, 5.0).rstrip()])["ttft_ms"] == [5.0]
    assert latencies([]) == {"ttft_ms": [], "tpot_ms": [], "e2el_ms": []}


@pytest.mark.parametrize("text", [b"{\n", b"[1]\n", b"\xff\xfe\n"])
def test_what_is_no_such_file(text: bytes) -> None:
    with pytest.raises(ValueError):
        latencies([text])
