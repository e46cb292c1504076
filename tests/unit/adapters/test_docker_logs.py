"""The log's reader, fed with frames as the engine sends them, cut at every place."""

from __future__ import annotations

import pytest

from core.adapters.docker_logs import LogReader, epoch_s


def stamp(n: int) -> str:
    return f"2026-01-02T03:04:05.{n:09d}Z"


def frame(n: int, text: str) -> bytes:
    return f"{stamp(n)} {text}".encode()


PART = "x" * 16384
# A long line comes in parts that all carry its first stamp and may be alike; stderr stands between them.
LOG = [
    frame(1, "one\n"),
    frame(1, "one\n"),
    frame(5, PART),
    frame(7, "from stderr\n"),
    frame(5, PART),
    frame(5, "end\n"),
    frame(8, "later\r\n"),
    frame(9, "no newline"),
]
WHOLE = [
    (stamp(1), "one"),
    (stamp(1), "one"),
    (stamp(7), "from stderr"),
    (stamp(5), PART + PART + "end"),
    (stamp(8), "later"),
    (stamp(9), "no newline"),
]


@pytest.mark.parametrize("first", range(len(LOG) + 1))
@pytest.mark.parametrize("second", range(len(LOG) + 1))
def test_two_cuts_anywhere_lose_and_repeat_nothing(first: int, second: int) -> None:
    reader, lines = LogReader(), []
    for length in (first, second, len(LOG)):
        reader.reconnect_at()
        lines += reader.lines(LOG[:length])
    assert lines + list(reader.rest()) == WHOLE


def test_asks_again_from_before_the_oldest_open_line() -> None:
    reader = LogReader()
    assert reader.reconnect_at() is None
    list(reader.lines([frame(5, PART), b"2026-01-02T03:05:00.000000000Z much later\n"]))
    assert reader.reconnect_at() == pytest.approx(epoch_s(stamp(5)) - 1.0, abs=1e-6)


def test_goes_on_after_a_stamp() -> None:
    reader = LogReader(after=stamp(5))
    assert reader.reconnect_at() == pytest.approx(epoch_s(stamp(5)) - 1.0, abs=1e-6)
    assert [line for _, line in reader.lines(LOG)] == ["from stderr", "later"]


def test_memory_stays_bounded() -> None:
    reader = LogReader()
    count = sum(1 for _ in reader.lines(_per_millisecond(60_000)))
    assert count == 60_000
    assert len(reader._seen) < 10_000


def _per_millisecond(lines: int) -> list[bytes]:
    return [
        f"2026-01-02T03:{n // 60000:02d}:{n // 1000 % 60:02d}.{n % 1000:03d}000000Z {n}\n".encode()
        for n in range(lines)
    ]


def test_bytes_that_are_no_text_do_not_end_it() -> None:
    assert list(LogReader().lines([stamp(1).encode() + b" \xff\xfe\n"])) == [(stamp(1), "\ufffd\ufffd")]
