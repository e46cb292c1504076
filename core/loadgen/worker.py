"""One process's part of a point: opens and warms its connections, sends, and reads the answers when all is over."""

from __future__ import annotations

import gc
import gzip
from collections import Counter
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from time import monotonic

from core.domain.workload import Arrival
from core.loadgen import failures
from core.loadgen.arrivals import arrivals
from core.loadgen.connection import Connection
from core.loadgen.conversations import Conversations
from core.loadgen.drivers import CONNECT_TIMEOUT_S, TICK_S, ClosedLoop, Driver, OpenLoop
from core.loadgen.exchange import Exchange
from core.loadgen.health import cpu_seconds
from core.loadgen.keeper import Keeper
from core.loadgen.messages import Message
from core.loadgen.payload import Payloads, Stock
from core.loadgen.poller import Poller
from core.loadgen.priority import real_time
from core.loadgen.records import Record
from core.loadgen.split import Share
from core.loadgen.target import Target
from core.loadgen.task import LoadTask

PROGRESS_S = 0.2
_OPENING_AT_ONCE = 64
_TOUCH_TIMEOUT_S = 2.0
_GZIP_LEVEL = 1

Report = Callable[[Message], None]


class Worker:
    """``report`` receives ``warmup``, ``progress`` and ``result`` messages."""

    def __init__(
        self, task: LoadTask, share: Share, target: Target, payloads: Payloads, seed: int, report: Report
    ) -> None:
        self._task = task
        self._share = share
        self._target = target
        self._payloads = payloads
        self._seed = seed
        self._report = report
        self._poller = Poller()
        self._keeper = Keeper(task.api, share.number)
        self._touched = False
        self._connect = _connector(target, self._poller, self)
        self._connections = [self._connect() for _ in range(share.streams)]

    def run(self, barrier: Callable[[Message], float]) -> None:
        """Everything, from the first connection to the last record. ``barrier`` is told how the warm-up went, and
        gives the monotonic time of the start once every process is ready."""
        self._open_all()
        warmup_failures = self._warm_up()
        stock = Stock(self._payloads.measured, self._share.indexes())
        stock.fill(limit=2 * self._share.streams)
        driver = self._driver(stock)
        gc.collect()
        gc.freeze()
        gc.disable()
        start = barrier({"kind": "ready", "warmup_failures": dict(warmup_failures)})
        with real_time():
            driver.run(start, self._progress_of(driver))
        self._finish(driver, start)

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """An exchange outside of a driver: the touch."""
        self._touched = True

    def _open_all(self) -> None:
        firsts = range(0, len(self._connections), _OPENING_AT_ONCE)
        if all(self._open(self._connections[first : first + _OPENING_AT_ONCE]) for first in firsts):
            self._touch(self._connections[-1])

    def _open(self, group: list[Connection]) -> bool:
        """Whether the server took or refused each of them. What it leaves hanging is waited for by its first request,
        and so is all that comes after."""
        for connection in group:
            connection.open()
        return self._wait(lambda: not any(one.is_connecting for one in group), CONNECT_TIMEOUT_S)

    def _touch(self, connection: Connection) -> None:
        """Asks something small on the last connection: a server takes connections in order, so once it has answered
        here, it has taken all the others as well and does not do so inside the clock."""
        if not connection.is_open:
            return
        connection.send(Exchange(-1, monotonic()), self._target.request("GET", self._target.path + "/models"))
        self._wait(lambda: self._touched, _TOUCH_TIMEOUT_S)
        if connection.exchange is not None:
            connection.expire()
        if not connection.is_open:
            self._open([connection])

    def _wait(self, done: Callable[[], bool], limit_s: float) -> bool:
        give_up = monotonic() + limit_s
        while not done() and monotonic() < give_up:
            self._poller.wait(TICK_S)
        return done()

    def _warm_up(self) -> Counter[str]:
        """Requests that are not measured; how many failed, by kind."""
        if self._share.warmups == 0:
            return Counter()
        keeper = Keeper(self._task.api, self._share.number)
        share = self._share
        stock = Stock(self._payloads.warmup, islice(count(share.number, share.processes), share.warmups))
        driver = ClosedLoop(self._poller, self._connections[: share.warmups], stock, keeper.keep, self._task.timeout_s)
        driver.run(monotonic(), lambda now: self._report({"kind": "warmup", "done": keeper.done + keeper.failed}))
        return Counter(record.failure for record in keeper.records() if record.failure)

    def _driver(self, stock: Stock) -> Driver:
        point = self._task.point
        kind: type[Driver] = ClosedLoop if point.arrival is Arrival.CLOSED else OpenLoop
        kind = Conversations if self._share.turns > 1 else kind
        driver = kind(self._poller, self._connections, stock, self._keeper.keep, self._task.timeout_s, point.duration_s)
        if isinstance(driver, OpenLoop):
            share = self._share
            due = arrivals(point.arrival, point.rate_per_s or 1.0, self._seed)
            own = islice(islice(due, share.number, None, share.processes), share.requests)
            driver.schedule(own, share.cap, self._connect)
        if isinstance(driver, Conversations):
            driver.converse(self._share, self._payloads.measured)
        return driver

    def _progress_of(self, driver: Driver) -> Callable[[float], None]:
        next_report = monotonic() + PROGRESS_S

        def on_tick(now: float) -> None:
            nonlocal next_report
            self._keeper.relieve()
            if now >= next_report:
                next_report = now + PROGRESS_S
                self._report({"kind": "progress", **self._counts(driver)})

        return on_tick

    def _counts(self, driver: Driver) -> Message:
        reads = sum(len(one.exchange.chunks) for one in self._connections if one.exchange is not None)
        keeper = self._keeper
        tokens = keeper.output_tokens + round(reads * keeper.tokens_per_read)
        return {"done": keeper.done, "failed": keeper.failed, "output_tokens": tokens, "in_flight": driver.in_flight}

    def _finish(self, driver: Driver, start: float) -> None:
        now = monotonic()
        for index in driver.not_sent():
            self._keeper.add(Record(index, self._share.number, now, None, now, failure=failures.NOT_SENT))
        for connection in self._connections:
            connection.close()
        records = self._keeper.records()
        write_part(part_path(self._task.out_dir, self._share.number), records, start)
        self._report(
            {
                "kind": "result",
                "records": [record.to_tuple() for record in records],
                "lags_s": list(driver.lags_s),
                "cpu_s": cpu_seconds(),
            }
        )


def part_path(out_dir: str, number: int) -> Path:
    """Where a process leaves its part of the per-request records."""
    return Path(out_dir) / f"requests-{number}.part"


def write_part(path: Path, records: list[Record], start: float) -> None:
    """Per-request records as one gzip member: members that follow one another are one gzip file (RFC 1952)."""
    text = "".join([record.to_line(start) for record in records])
    path.write_bytes(gzip.compress(text.encode(), compresslevel=_GZIP_LEVEL, mtime=0))


def _connector(target: Target, poller: Poller, owner: Worker) -> Callable[[], Connection]:
    if not target.tls:
        return lambda: Connection(target, poller, owner)
    import ssl

    from core.loadgen.tls import TlsConnection

    context = ssl.create_default_context()
    return lambda: TlsConnection(target, poller, owner, context)
