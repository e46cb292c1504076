"""The JSON lines on stdout: how far a point is, for whoever watches."""

from __future__ import annotations

import json
import sys
from collections import deque
from time import monotonic
from typing import Any

from core.loadgen.messages import Message
from core.loadgen.task import LoadTask

_MIN_GAP_S = 0.2
_RATE_WINDOW_S = 2.0


def emit(event: str, **values: Any) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class Progress:
    """Adds up what the processes report, and prints at most five lines per second."""

    def __init__(self, task: LoadTask) -> None:
        self._task = task
        self._counts: dict[int, Message] = {}
        self._warm: dict[int, int] = {}
        self._start = 0.0
        self._printed = 0.0
        self._history: deque[tuple[float, int]] = deque()

    def started(self) -> None:
        """The clock runs."""
        self._start = monotonic()
        self._history.append((self._start, 0))
        emit("started", total=self._task.point.requests, duration_s=self._task.point.duration_s)

    def warmup(self, process: int, message: Message) -> None:
        """A process's warm-up went on."""
        self._warm[process] = message["done"]
        if self._is_time():
            emit("warmup", done=sum(self._warm.values()), total=self._task.point.warmup)

    def progress(self, process: int, message: Message) -> None:
        """A process's counts."""
        self._counts[process] = message
        if self._is_time():
            emit("progress", **self._totals())

    def _is_time(self) -> bool:
        now = monotonic()
        if now - self._printed < _MIN_GAP_S:
            return False
        self._printed = now
        return True

    def _totals(self) -> dict[str, Any]:
        now = monotonic()
        sums = {
            name: sum(counts[name] for counts in self._counts.values())
            for name in ("done", "failed", "output_tokens", "in_flight")
        }
        return {
            **sums,
            "total": self._task.point.requests,
            "output_tokens_per_s": round(self._rate(now, sums["output_tokens"]), 1),
            "elapsed_s": round(now - self._start, 3),
            "eta_s": self._eta(now, sums),
        }

    def _rate(self, now: float, tokens: int) -> float:
        """Over the last two seconds."""
        self._history.append((now, tokens))
        while len(self._history) > 2 and self._history[1][0] < now - _RATE_WINDOW_S:
            self._history.popleft()
        since, before = self._history[0]
        return max(0.0, (tokens - before) / max(now - since, 1e-3))

    def _eta(self, now: float, sums: dict[str, int]) -> float | None:
        """Seconds left: of the duration, or as the share that is done took its time. Half-done answers count half."""
        elapsed = now - self._start
        if self._task.point.duration_s is not None:
            return round(max(0.0, self._task.point.duration_s - elapsed), 1)
        done = max(sums["done"], sums["output_tokens"] / self._task.output_tokens) + sums["failed"]
        total = self._task.point.requests
        if not done or total is None:
            return None
        return round(elapsed * max(0.0, total - done) / done, 1)
