"""The load generator's requests-*.jsonl, read for its latencies alone: without the gaps between chunks, which are most
of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

LATENCIES = ("ttft_ms", "tpot_ms", "e2el_ms")
_GAPS = b', "itl_ms": ['


def latencies(chunks: Iterable[bytes]) -> dict[str, list[float]]:
    """Of the requests that succeeded, ascending. Raises ValueError for what is no such file."""
    found: dict[str, list[float]] = {name: [] for name in LATENCIES}
    for line in _lines(chunks):
        record = json.loads(_short(line))
        if not isinstance(record, dict):
            raise ValueError("a request is a JSON object")
        if record.get("failure") is None:
            for name in LATENCIES:
                if isinstance(value := record.get(name), int | float):
                    found[name].append(float(value))
    return {name: sorted(values) for name, values in found.items()}


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
