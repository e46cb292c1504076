"""One line per request: what is left of an exchange once its bytes have been read."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Record:
    """Times ``due``, ``started`` and ``ended`` are monotonic seconds; ``started`` is None where nothing was sent.
    ``first`` is when the first output arrived, ``itl_ms`` the gaps between the output chunks after it (single
    precision: nanoseconds at a second). Token counts are the server's, None where it told none. A failed request keeps
    its times, which no average uses."""

    index: int
    process: int
    due: float
    started: float | None
    ended: float
    first: float | None = None
    itl_ms: array[float] = field(default_factory=lambda: array("f"))
    input_tokens: int | None = None
    output_tokens: int | None = None
    failure: str | None = None
    detail: str = ""

    @property
    def ttft_ms(self) -> float | None:
        """First byte of the request written, to first output received."""
        if self.started is None or self.first is None:
            return None
        return (self.first - self.started) * 1000.0

    @property
    def e2el_ms(self) -> float | None:
        """First byte of the request written, to last output received."""
        ttft_ms = self.ttft_ms
        return None if ttft_ms is None else ttft_ms + sum(self.itl_ms)

    @property
    def tpot_ms(self) -> float | None:
        """(E2EL - TTFT) / (output tokens - 1); None below two tokens."""
        if self.first is None or self.output_tokens is None or self.output_tokens < 2:
            return None
        return sum(self.itl_ms) / (self.output_tokens - 1)

    def to_tuple(self) -> tuple[Any, ...]:
        """For ``marshal``, between our own processes."""
        return (
            self.index,
            self.process,
            self.due,
            self.started,
            self.ended,
            self.first,
            self.itl_ms.tobytes(),
            self.input_tokens,
            self.output_tokens,
            self.failure,
            self.detail,
        )

    @classmethod
    def from_tuple(cls, values: tuple[Any, ...]) -> Record:
        """The inverse of ``to_tuple``."""
        gaps = array("f")
        gaps.frombytes(values[6])
        index, process, due, started, ended, first = values[:6]
        return cls(index, process, due, started, ended, first, gaps, *values[7:])

    def to_line(self, start: float) -> str:
        """One line of requests.jsonl; ``started_s`` counts from the point's start."""
        fields = {
            "index": self.index,
            "started_s": None if self.started is None else round(self.started - start, 6),
            "late_ms": None if self.started is None else round((self.started - self.due) * 1000.0, 3),
            "ttft_ms": _rounded(self.ttft_ms),
            "e2el_ms": _rounded(self.e2el_ms),
            "tpot_ms": _rounded(self.tpot_ms),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "failure": self.failure,
            "detail": self.detail,
            "process": self.process,
        }
        gaps = ",".join(["%.3f" % gap for gap in self.itl_ms])  # noqa: UP031 (twice as fast, and there are many)
        return f'{json.dumps(fields, ensure_ascii=False)[:-1]}, "itl_ms": [{gaps}]}}\n'


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
