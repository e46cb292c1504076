"""A container's log, followed without loss or repetition across cut connections and restarts of the container.

A cut ends the SDK's stream silently, as does a restart. So after every end the log is asked for again from a little
earlier, and what was read already is recognised by stamp and text. A stamp alone cannot tell: stdout and stderr are
stamped by two threads, and every part of a long line carries the stamp of its first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

OVERLAP_S = 1.0


@dataclass
class LogReader:
    """Turns the engine's frames into lines; one reader for the whole life of a follow."""

    after: str = ""
    """Lines stamped up to and including this are left out: what an earlier follow has given already."""
    _newest: str = ""
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _again: Counter[tuple[str, str]] = field(default_factory=Counter)
    _parts: dict[str, str] = field(default_factory=dict)
    _limit: int = 4096

    def reconnect_at(self) -> float | None:
        """The engine's ``since`` for the next stream in seconds, None for everything. Expect the overlap again."""
        self._again = Counter(self._seen)
        start = self._newest or self.after
        return min(epoch_s(stamp) for stamp in (start, *self._parts)) - OVERLAP_S if start else None

    def lines(self, frames: Iterable[bytes]) -> Iterator[tuple[str, str]]:
        """(stamp, line) for each line that is whole. A frame is one entry, or a 16 KiB part of a long one."""
        for frame in frames:
            stamp, _, text = frame.decode("utf-8", "replace").partition(" ")
            if self._is_known(stamp, text):
                continue
            whole = self._parts.pop(stamp, "") + text
            if not text.endswith("\n"):
                self._parts[stamp] = whole
            elif stamp > self.after:
                yield stamp, whole.rstrip("\r\n")

    def rest(self) -> Iterator[tuple[str, str]]:
        """What came without a newline at the very end."""
        for stamp, text in sorted(self._parts.items()):
            if stamp > self.after:
                yield stamp, text
        self._parts.clear()

    def _is_known(self, stamp: str, text: str) -> bool:
        key = (stamp, text)
        if self._again[key] > 0:
            self._again[key] -= 1
            return True
        self._seen[key] += 1
        if stamp > self._newest:
            self._newest = stamp
            self._forget()
        return False

    def _forget(self) -> None:
        if len(self._seen) <= self._limit:
            return
        start = min(epoch_s(stamp) for stamp in (self._newest, *self._parts)) - 2 * OVERLAP_S
        self._seen = Counter({key: times for key, times in self._seen.items() if epoch_s(key[0]) >= start})
        self._limit = max(4096, 2 * len(self._seen))


def epoch_s(stamp: str) -> float:
    """Seconds since 1970 of a stamp with nine decimals, as the engine writes them; 0 for what is none."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    try:
        moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    return moment.timestamp() + float(f"0.{fraction or 0}")
