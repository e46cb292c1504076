"""Conversations of several turns: each stream holds one at a time, and sends a turn once the last one is answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from core.loadgen.connection import Connection
from core.loadgen.drivers import SENDS_PER_TURN, ClosedLoop, give_way
from core.loadgen.exchange import Exchange
from core.loadgen.split import Share


class Conversations(ClosedLoop):
    """The stock holds first turns. What follows is made while its turn before is being answered. A failed turn does
    not end its conversation: the answers in the history are made up anyway."""

    def converse(self, share: Share, make: Callable[[int], bytes]) -> None:
        """``make`` makes the request of an index."""
        self._share = share
        self._make = make
        self._coming: dict[Connection, int] = {}
        self._soon: deque[int] = deque()
        self._made: dict[int, bytes] = {}
        self._sent: set[int] = set()

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """The stream's next turn is due."""
        following = self._share.following(exchange.index)
        if following is not None:
            self._coming[connection] = following
        super().finished(connection, exchange)

    def not_sent(self) -> Iterator[int]:
        """Every turn that never went out, because the server had stopped answering."""
        if not self._gone or self._duration_s is not None:
            return
        for first in self._share.indexes():
            index: int | None = first
            while index is not None:
                if index not in self._sent:
                    yield index
                index = self._share.following(index)

    def _send_some(self, now: float) -> None:
        for _ in range(min(SENDS_PER_TURN, len(self._free))):
            connection, since = self._free.popleft()
            item = self._following(connection) or self._stock.take()
            if item is None:
                continue  # no conversation is left for this stream
            self._send(connection, item, now, since)
            self._sent.add(item[0])
            following = self._share.following(item[0])
            if following is not None:
                self._soon.append(following)
        self._exhausted = not self._free and self.in_flight == 0
        if self._free:
            give_way()

    def _following(self, connection: Connection) -> tuple[int, bytes] | None:
        index = self._coming.pop(connection, None)
        if index is None:
            return None
        return index, self._made.pop(index, None) or self._make(index)

    def _tick(self, now: float, on_tick: Callable[[float], None]) -> None:
        super()._tick(now, on_tick)
        for _ in range(min(SENDS_PER_TURN, len(self._soon))):
            index = self._soon.popleft()
            if index not in self._sent:
                self._made[index] = self._make(index)
