"""The loop of the exact server: sockets, deadlines, sends."""

from __future__ import annotations

import heapq
import select
import socket
from collections import deque
from time import monotonic

from simulator.exact_answers import STREAM_HEAD, Answers, Wanted, answer, error
from simulator.exact_schedule import FirstTokens, Schedule, Truth, is_hit

_BACKLOG = 4096
_READ_BYTES = 1 << 18
_SENDS_PER_TURN = 16
_REQUESTS_PER_TURN = 4
_MAX_WAIT_S = 0.5
_LAST_STRETCH_S = 0.003
_TIMER_MARGIN_S = 0.00006


class Stream:
    """One answer under way. ``step`` is the number of the next chunk."""

    __slots__ = (
        "arrived",
        "chunks",
        "connection",
        "deadline",
        "drop_at",
        "last_sent",
        "left",
        "number",
        "step",
        "wanted",
    )

    def __init__(self, connection: Connection, wanted: Wanted, arrived: float, number: int, chunks: int) -> None:
        self.connection = connection
        self.number = number
        self.wanted = wanted
        self.arrived = arrived
        self.deadline = arrived
        self.chunks = chunks
        self.drop_at = -1
        self.step = 0
        self.left = wanted.output_tokens
        self.last_sent = arrived


class Connection:
    """One client. ``unsent`` is what its full socket did not take."""

    __slots__ = ("inbox", "is_open", "socket", "unsent")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.inbox = b""
        self.unsent = b""
        self.is_open = True


class ExactServer:
    """Listens on 127.0.0.1. Deadlines are absolute and independent of one another, so that lateness never adds up."""

    def __init__(self, port: int, schedule: Schedule, answers: Answers) -> None:
        self._schedule = schedule
        self._answers = answers
        self._first_tokens = FirstTokens(schedule)
        self._truth = Truth()
        self._numbers = 0
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._firsts: list[tuple[float, int, Stream]] = []
        self._nexts: deque[Stream] = deque()
        self._arrived: deque[tuple[Connection, float]] = deque()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """For ever."""
        while True:
            self._turn()

    def _turn(self) -> None:
        if not self._arrived:
            self._wait(min(self._next_deadline() - monotonic(), _MAX_WAIT_S))
        self._receive()
        self._send_due()
        for _ in range(min(_REQUESTS_PER_TURN, len(self._arrived))):
            self._handle(*self._arrived.popleft())

    def _wait(self, patience_s: float) -> None:
        """Until something is there to read, or the time is over. epoll counts whole milliseconds, select microseconds;
        the kernel may be late by a thousandth of what select waits, so that the last stretch is a short one."""
        if patience_s > 2 * _LAST_STRETCH_S:
            select.select((self._epoll,), (), (), patience_s - _LAST_STRETCH_S)
        elif patience_s > _TIMER_MARGIN_S:
            select.select((self._epoll,), (), (), patience_s - _TIMER_MARGIN_S)

    def _next_deadline(self) -> float:
        first = self._firsts[0][0] if self._firsts else float("inf")
        following = self._nexts[0].deadline if self._nexts else float("inf")
        return min(first, following)

    # ------------------------------------------------------------ in

    def _receive(self) -> None:
        """Reads all that is there before anything of it is looked at: a request has arrived when it was read."""
        for fd, mask in self._epoll.poll(0):
            connection = self._connections.get(fd)
            if connection is None:
                self._accept()
                continue
            if mask & select.EPOLLOUT:
                self._flush(connection)
            if mask & ~select.EPOLLOUT and self._read(connection):
                self._arrived.append((connection, monotonic()))

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[accepted.fileno()] = Connection(accepted)
            self._epoll.register(accepted.fileno(), select.EPOLLIN)

    def _read(self, connection: Connection) -> bool:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return False
        connection.inbox += data
        return True

    def _close(self, connection: Connection) -> None:
        if connection.is_open:
            connection.is_open = False
            del self._connections[connection.socket.fileno()]
            self._epoll.unregister(connection.socket.fileno())
            connection.socket.close()

    def _handle(self, connection: Connection, arrived: float) -> None:
        head, separator, rest = connection.inbox.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        connection.inbox = rest[length:]
        method, path = head.split(b" ", 2)[:2]
        self._route(connection, method.decode("latin-1"), path.decode("latin-1"), rest[:length], arrived)

    def _route(self, connection: Connection, method: str, path: str, body: bytes, arrived: float) -> None:
        if path == "/truth":
            self._send(connection, answer(200, self._truth.to_dict()))
        elif path == "/truth/reset":
            self._truth = Truth(live=self._truth.live)
            self._send(connection, answer(200, {}))
        elif method == "POST" and path in {"/v1/completions", "/v1/chat/completions"}:
            self._complete(connection, path, body, arrived)
        else:
            self._send(connection, self._answers.plain(method, path, body))

    def _complete(self, connection: Connection, path: str, body: bytes, arrived: float) -> None:
        schedule, truth = self._schedule, self._truth
        number = self._numbers
        self._numbers += 1
        truth.requests += 1
        wanted = self._answers.wanted(path, body)
        refusal = self._answers.refusal(wanted, body)
        if refusal is None and schedule.status is not None and is_hit(number, schedule.status_share):
            refusal = error(schedule.status, f"answered {schedule.status} as it was told to")
        if refusal is not None:
            truth.refused += 1
            self._send(connection, refusal)
            truth.services_s[number] = monotonic() - arrived
        elif not schedule.silent:
            self._begin(connection, wanted, arrived, number)

    def _begin(self, connection: Connection, wanted: Wanted, arrived: float, number: int) -> None:
        truth = self._truth
        truth.live += 1
        truth.peak = max(truth.peak, truth.live)
        chunks = -(-wanted.output_tokens // self._schedule.tokens_per_chunk)
        stream = Stream(connection, wanted, arrived, number, chunks)
        if is_hit(number, self._schedule.drop_share):
            stream.drop_at = chunks // 2
        delay = self._first_tokens.draw()
        if not wanted.streams:
            delay += self._schedule.itl_s * (chunks - 1)
        elif wanted.is_chat:
            self._send(connection, STREAM_HEAD + self._answers.role())
        stream.deadline = arrived + delay
        heapq.heappush(self._firsts, (stream.deadline, number, stream))

    # ------------------------------------------------------------ out

    def _send_due(self) -> None:
        """Sends what is due, in order of deadlines; after some of it the sockets are looked at again. What follows a
        first token is due one interval later for all, so that a queue keeps the order."""
        firsts, nexts = self._firsts, self._nexts
        for _ in range(_SENDS_PER_TURN):
            now = monotonic()
            if firsts and firsts[0][0] <= now and (not nexts or firsts[0][0] <= nexts[0].deadline):
                stream = heapq.heappop(firsts)[2]
                self._first(stream)
            elif nexts and nexts[0].deadline <= now:
                stream = nexts.popleft()
                self._chunk(stream, b"")
            else:
                return
            if stream.left:
                stream.deadline += self._schedule.itl_s
                nexts.append(stream)

    def _first(self, stream: Stream) -> None:
        if stream.wanted.streams:
            self._chunk(stream, b"" if stream.wanted.is_chat else STREAM_HEAD)
            return
        self._send(stream.connection, self._answers.whole(stream.wanted))
        self._truth.tokens += stream.left
        self._end(stream)

    def _chunk(self, stream: Stream, before: bytes) -> None:
        wanted, step = stream.wanted, stream.step
        if step == stream.drop_at or not stream.connection.is_open:
            self._truth.dropped += 1
            self._close(stream.connection)
            self._end(stream)
            return
        tokens = min(self._schedule.tokens_per_chunk, stream.left)
        stream.left -= tokens
        is_last = stream.left == 0
        is_reasoning = self._schedule.reasoning and wanted.is_chat and step < stream.chunks // 2
        data = before + self._answers.chunk(wanted.is_chat, tokens, is_reasoning, is_last)
        self._send(stream.connection, data + self._answers.last(wanted) if is_last else data)
        self._score(stream, tokens)
        stream.step = step + 1
        if is_last:
            self._end(stream)

    def _score(self, stream: Stream, tokens: int) -> None:
        truth, now = self._truth, monotonic()
        truth.tokens += tokens
        truth.lateness.add(now - stream.deadline)
        (truth.itl if stream.step else truth.ttft).add(now - stream.last_sent)
        stream.last_sent = now

    def _end(self, stream: Stream) -> None:
        stream.left = 0
        self._truth.live -= 1
        self._truth.services_s[stream.number] = monotonic() - stream.arrived

    def _send(self, connection: Connection, data: bytes) -> None:
        if connection.unsent:
            connection.unsent += data
            return
        try:
            sent = connection.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        if sent < len(data):
            connection.unsent = data[sent:]
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _flush(self, connection: Connection) -> None:
        data, connection.unsent = connection.unsent, b""
        self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)
        self._send(connection, data)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
