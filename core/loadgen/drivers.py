"""Who sends when: the closed loop (a finished request lets the next one go) and the open loop (arrivals at a rate)."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic

from core.loadgen import failures
from core.loadgen.connection import Connection
from core.loadgen.exchange import Exchange
from core.loadgen.payload import Stock
from core.loadgen.poller import Poller

SENDS_PER_TURN = 8
"""After so many sends the sockets are looked at again: stamping comes before sending."""
TICK_S = 0.02
"""The loop turns at least so often: for deadlines, progress, and to measure its own lag."""
CONNECT_TIMEOUT_S = 10.0
_GONE_AFTER = 10
_GONE_KINDS = {failures.CONNECT, failures.TIMEOUT, failures.DISCONNECTED}
_LAG_SAMPLES = 100_000


def give_way() -> None:
    """Between two bursts of sends: whoever else waits for this CPU runs first. On a machine that also serves, a burst
    would otherwise keep the server from seeing that the requests have come."""
    os.sched_yield()


class Deadlines:
    """Time limits of one length, so that the first one set is the first one due."""

    def __init__(self, limit_s: float, connecting: bool = False) -> None:
        self._limit_s = limit_s
        self._connecting = connecting
        self._queue: deque[tuple[float, Connection, int]] = deque()

    def set(self, now: float, connection: Connection, index: int) -> None:
        """From now on."""
        self._queue.append((now + self._limit_s, connection, index))

    def expire(self, now: float) -> None:
        """Ends what is due, and forgets what no longer concerns it."""
        while self._queue:
            due, connection, index = self._queue[0]
            concerned = self._concerns(connection.exchange, index)
            if concerned and due > now:
                return
            self._queue.popleft()
            if concerned:
                connection.expire()

    def _concerns(self, exchange: Exchange | None, index: int) -> bool:
        if exchange is None or exchange.index != index:
            return False
        return exchange.started is None or not self._connecting


class Driver(ABC):
    """What both loops share: the turn of the loop, deadlines, counts, and the end."""

    def __init__(
        self,
        poller: Poller,
        connections: list[Connection],
        stock: Stock,
        keep: Callable[[Exchange], None],
        timeout_s: float,
        duration_s: float | None = None,
    ) -> None:
        self._poller = poller
        self._connections = connections
        self._stock = stock
        self._keep = keep
        self._deadlines = Deadlines(timeout_s)
        self._connect_deadlines = Deadlines(min(CONNECT_TIMEOUT_S, timeout_s), connecting=True)
        self._duration_s = duration_s
        self._failures_in_a_row = 0
        self._exhausted = False
        self._gone = False
        self.in_flight = 0
        self.peak_in_flight = 0
        self.lags_s: deque[float] = deque(maxlen=_LAG_SAMPLES)
        for connection in connections:
            connection.owner = self

    def run(self, start: float, on_tick: Callable[[float], None]) -> None:
        """Sends from ``start`` on until all is answered; ``on_tick`` is called about every TICK_S."""
        while (left_s := start - monotonic()) > 0.0:
            self._poller.wait(left_s)
        self._begin(start)
        stop = None if self._duration_s is None else start + self._duration_s
        next_tick = monotonic() + TICK_S
        while not self._is_over():
            self._poller.wait(self._patience(monotonic(), next_tick))
            now = monotonic()
            if stop is not None and now >= stop:
                self._exhausted = True
            if not self._exhausted and not self._gone:
                self._send_some(now)
            if now >= next_tick:
                self.lags_s.append(now - next_tick)
                next_tick = now + TICK_S
                self._tick(now, on_tick)

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """A connection's word that its exchange ended."""
        self.in_flight -= 1
        if exchange.failure in _GONE_KINDS:
            self._failures_in_a_row += 1
            self._gone = self._gone or self._failures_in_a_row >= max(_GONE_AFTER, 2 * len(self._connections))
        else:
            self._failures_in_a_row = 0
        self._keep(exchange)
        self._freed(connection, exchange.ended)

    def not_sent(self) -> Iterator[int]:
        """Indexes of a counted point that were never sent, because the server had stopped answering."""
        while self._gone and self._duration_s is None and (item := self._stock.take()) is not None:
            yield item[0]

    def _send(self, connection: Connection, item: tuple[int, bytes], now: float, due: float) -> None:
        index, request = item
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self._deadlines.set(now, connection, index)
        if not connection.is_open:
            self._connect_deadlines.set(now, connection, index)
        connection.send(Exchange(index, due), request)

    def _tick(self, now: float, on_tick: Callable[[float], None]) -> None:
        self._deadlines.expire(now)
        self._connect_deadlines.expire(now)
        self._stock.fill(limit=SENDS_PER_TURN)
        on_tick(now)

    def _is_over(self) -> bool:
        return self.in_flight == 0 and (self._exhausted or self._gone)

    @abstractmethod
    def _begin(self, start: float) -> None: ...

    @abstractmethod
    def _patience(self, now: float, next_tick: float) -> float: ...

    @abstractmethod
    def _send_some(self, now: float) -> None: ...

    @abstractmethod
    def _freed(self, connection: Connection, now: float) -> None: ...


class ClosedLoop(Driver):
    """Every connection is a stream: it sends its next request as soon as the last one is answered."""

    def _begin(self, start: float) -> None:
        self._free = deque((connection, start) for connection in self._connections)

    def _patience(self, now: float, next_tick: float) -> float:
        return next_tick - now if not self._free or self._exhausted or self._gone else 0.0

    def _send_some(self, now: float) -> None:
        for _ in range(min(SENDS_PER_TURN, len(self._free))):
            item = self._stock.take()
            if item is None:
                self._exhausted = True
                return
            connection, since = self._free.popleft()
            self._send(connection, item, now, since)
        if self._free:
            give_way()

    def _freed(self, connection: Connection, now: float) -> None:
        self._free.append((connection, now))


class OpenLoop(Driver):
    """Requests go when they are due, answered or not; at most ``cap`` are in flight (None: no cap). What waits for
    the cap is late, and its lateness is reported."""

    def schedule(self, arrivals: Iterator[float], cap: int | None, connect: Callable[[], Connection]) -> None:
        """``arrivals``: seconds after the start, ascending. ``connect`` makes one more connection."""
        self._arrivals = arrivals
        self._cap = cap
        self._connect = connect

    def _begin(self, start: float) -> None:
        self._start = start
        self._idle = list(self._connections)
        self._advance()

    def _advance(self) -> None:
        offset = next(self._arrivals, None)
        if offset is None or (self._duration_s is not None and offset >= self._duration_s):
            self._exhausted = True
            return
        self._due = self._start + offset

    @property
    def _is_capped(self) -> bool:
        return self._cap is not None and self.in_flight >= self._cap

    def _patience(self, now: float, next_tick: float) -> float:
        waiting = self._exhausted or self._gone or self._is_capped
        return next_tick - now if waiting else min(next_tick, self._due) - now

    def _send_some(self, now: float) -> None:
        for _ in range(SENDS_PER_TURN):
            if self._exhausted or self._due > now or self._is_capped:
                return
            item = self._stock.take()
            if item is None:
                self._exhausted = True
                return
            self._send(self._idle_connection(), item, now, self._due)
            self._advance()
        give_way()

    def _idle_connection(self) -> Connection:
        if not self._idle:
            connection = self._connect()
            connection.owner = self
            self._connections.append(connection)
            return connection
        return self._idle.pop()

    def _freed(self, connection: Connection, now: float) -> None:
        self._idle.append(connection)
