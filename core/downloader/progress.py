"""How far a download is, a few times a second, as a JSON line: bytes, speed over the last seconds, time left."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from core.domain.weights import RemoteFile

_EVERY_S = 0.5
_SPEED_OVER_S = 10.0
_say_lock = threading.Lock()


def emit(event: str, **values: object) -> None:
    """One JSON line on standard output."""
    line = json.dumps({"event": event, **values}, ensure_ascii=False)
    with _say_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Speed:
    """Bytes a second over the last seconds; None before there are two looks."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, at_s: float, done: int) -> float | None:
        self._seen.append((at_s, done))
        while len(self._seen) > 2 and at_s - self._seen[1][0] >= _SPEED_OVER_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        return (done - first) / (at_s - first_s) if at_s > first_s and done >= first else None


class Reporter:
    """Says how far it is until it is left, and once more then."""

    def __init__(
        self, say: Callable[..., None], files: Sequence[RemoteFile], present: Callable[[], Mapping[str, int]]
    ) -> None:
        self._say, self._files, self._present = say, files, present
        self._total = sum(file.size_bytes for file in files)
        self._over = threading.Event()
        self._speed = Speed()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=5)
        self._look()

    def _watch(self) -> None:
        self._look()
        while not self._over.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        """The file that is named is the one that is furthest of those under way."""
        present = self._present()
        counts = {file.path: min(present.get(file.path, 0), file.size_bytes) for file in self._files}
        done = sum(counts.values())
        rate = self._speed(time.monotonic(), done)
        under_way = [file for file in self._files if 0 < counts[file.path] < file.size_bytes]
        current = max(under_way, key=lambda file: counts[file.path], default=None)
        self._say(
            "progress",
            done=done,
            total=self._total,
            rate_per_s=rate,
            eta_s=(self._total - done) / rate if rate else None,
            file=current.path if current else None,
            files_done=sum(counts[file.path] >= file.size_bytes for file in self._files),
            files_total=len(self._files),
        )
