"""Keeps finished exchanges until there is time to read them, within a bound of memory."""

from __future__ import annotations

from collections import deque

from core.domain.workload import Api
from core.loadgen.answers import read_exchange
from core.loadgen.exchange import Exchange
from core.loadgen.records import Record

MEMORY_LIMIT_BYTES = 128 << 20
"""Unread bytes of one process. Above it the oldest exchanges are read while the point still runs."""
_TAIL_CHUNKS = 3
_COUNT_FIELD = b'"completion_tokens":'


class Keeper:
    """``done``, ``failed`` and ``output_tokens`` are for progress only: told from the bytes' surface, not read."""

    def __init__(self, api: Api, process: int, memory_limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        self._api = api
        self._process = process
        self._limit = memory_limit_bytes
        self._unread: deque[tuple[Exchange, int]] = deque()
        self.unread_bytes = 0
        self._records: list[Record] = []
        self.done = 0
        self.failed = 0
        self.output_tokens = 0
        self._reads = 0

    @property
    def tokens_per_read(self) -> float:
        """Output tokens per read of the finished requests; 1 before there are any."""
        return self.output_tokens / self._reads if self._reads and self.output_tokens else 1.0

    def keep(self, exchange: Exchange) -> None:
        """Takes a finished exchange."""
        size = exchange.kept_bytes
        self._unread.append((exchange, size))
        self.unread_bytes += size
        if exchange.failure is not None or exchange.head is None or exchange.head.status != 200:
            self.failed += 1
        else:
            self.done += 1
            self._reads += len(exchange.chunks)
            self.output_tokens += _surface_tokens(exchange)

    def relieve(self) -> None:
        """Reads the oldest exchanges if too many bytes are kept; for a moment in which little else is to do."""
        while self.unread_bytes > self._limit:
            self._read_oldest()

    def add(self, record: Record) -> None:
        """Takes a record that no exchange stands behind."""
        self._records.append(record)

    def records(self) -> list[Record]:
        """Reads all that is left. The records come in the order in which their requests ended."""
        while self._unread:
            self._read_oldest()
        return self._records

    def _read_oldest(self) -> None:
        exchange, size = self._unread.popleft()
        self.unread_bytes -= size
        self._records.append(read_exchange(exchange, self._api, self._process))


def _surface_tokens(exchange: Exchange) -> int:
    """The last token count that the end of a stream shows, 0 where it shows none."""
    tail = b"".join(exchange.chunks[-_TAIL_CHUNKS:])
    at = tail.rfind(_COUNT_FIELD)
    if at < 0:
        return 0
    digits = tail[at + len(_COUNT_FIELD) : at + len(_COUNT_FIELD) + 12].lstrip()
    length = next((place for place, byte in enumerate(digits) if not 48 <= byte <= 57), len(digits))
    return int(digits[:length] or b"0")
