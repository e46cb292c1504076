"""The load generator's requests-*.jsonl, read for its latencies alone: without the gaps between chunks, which are most
of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

LATENCIES = ("ttft_ms", "tpot_ms", "e2el_ms")
_GAPS = b', "itl_ms": ['


def latencies(chunks: Iterable[bytes]) -> dict[str, list[float]]:
    """Of the requests that succeeded, in the order in which they were sent. Raises ValueError for what is no such
    file."""
    sent: list[tuple[float, dict[str, Any]]] = []
    for line in _lines(chunks):
        record = json.loads(_short(line))
        if not isinstance(record, dict):
            raise ValueError("a request is a JSON object")
        if record.get("failure") is None:
            sent.append((_number(record.get("started_s")) or 0.0, record))
    sent.sort(key=lambda one: one[0])
    return {
        name: [value for _, record in sent if (value := _number(record.get(name))) is not None] for name in LATENCIES
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _short(line: bytes) -> bytes:
    """The gaps come last: see core.loadgen.records."""
    head, gaps, _ = line.partition(_GAPS)
    return head + b"}" if gaps else line


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest
