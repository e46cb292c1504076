"""One keep-alive connection: writes a request, stamps what arrives, keeps the bytes. Nothing is read for its meaning
here beyond where a response ends."""

from __future__ import annotations

import errno
import os
import socket
from time import monotonic
from typing import Protocol

from core.loadgen import failures
from core.loadgen.exchange import Exchange
from core.loadgen.framing import FramingError
from core.loadgen.poller import IN, OUT, Poller
from core.loadgen.target import Target

READ_BYTES = 16_384
_CONNECTING = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN}


class Owner(Protocol):
    """Who uses a connection."""

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """An exchange ended, well or badly. The connection may be closed."""
        ...


class Connection:
    """Plain TCP. ``exchange`` is the one under way. A closed connection opens again with its next request."""

    def __init__(self, target: Target, poller: Poller, owner: Owner) -> None:
        self._target = target
        self._poller = poller
        self.owner = owner
        self.exchange: Exchange | None = None
        self.is_open = False
        self.problem = ""
        self._socket: socket.socket | None = None
        self._unsent: memoryview | bytes = b""
        self._blocked = False

    @property
    def is_connecting(self) -> bool:
        """Whether an opening is under way."""
        return self._socket is not None and not self.is_open

    def open(self) -> None:
        """Begins to connect; ``is_open`` or ``problem`` tells how it went, once the poller has been waited for."""
        self.problem = ""
        self._socket = socket.socket(self._target.family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(self._target.address)
        if code and code not in _CONNECTING:
            self._lose(os.strerror(code))
            return
        self._poller.register(self._socket.fileno(), self, IN | OUT)

    def send(self, exchange: Exchange, request: bytes) -> None:
        """Sends a request; the clock of the exchange starts when its first byte is written. A closed connection is
        opened first, outside that clock."""
        can_start = self.is_open and not self._is_closed_by_peer()
        self.exchange = exchange
        self._unsent = request
        if can_start:
            self._start()
        elif self._socket is None:
            self.open()

    def expire(self) -> None:
        """Gives the exchange up: its time is over."""
        exchange = self.exchange
        if exchange is not None and exchange.failure is None:
            exchange.failure = failures.TIMEOUT if exchange.started is not None else failures.CONNECT
            exchange.detail = "timed out"
        self._lose("timed out")

    def close(self) -> None:
        """Closes without a word to the owner."""
        if self._socket is not None:
            if self._socket.fileno() >= 0:
                self._poller.unregister(self._socket.fileno())
            self._socket.close()
        self._socket = None
        self._unsent = b""
        self._blocked = False
        self.is_open = False

    def ready(self, mask: int) -> None:
        """The poller's call."""
        if not self.is_open:
            self._connected(mask)
            return
        if mask & OUT:
            self._flush()
        if mask & ~OUT and self.is_open:
            self._receive()

    def _connected(self, mask: int) -> None:
        assert self._socket is not None
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._lose(os.strerror(code))
        elif mask & OUT and self._secure():
            self._opened()

    def _secure(self) -> bool:
        """Whether the connection can be used; TLS needs its handshake first."""
        return True

    def _opened(self) -> None:
        assert self._socket is not None
        self.is_open = True
        self._poller.modify(self._socket.fileno(), IN)
        if self.exchange is not None:
            self._start()

    def _is_closed_by_peer(self) -> bool:
        """Whether the server hung up after its last answer: the connection is then closed, and opened anew outside of
        the request's clock."""
        try:
            is_closed = self._socket.recv(1, socket.MSG_PEEK) == b""  # type: ignore[union-attr]
        except BlockingIOError:
            return False
        except OSError:
            is_closed = True
        if is_closed:
            self.close()
        return is_closed

    def _start(self) -> None:
        assert self.exchange is not None
        self.exchange.started = monotonic()
        self._flush()

    def _flush(self) -> None:
        assert self._socket is not None
        try:
            sent = self._write(self._unsent)
        except OSError as error:
            self._lose(str(error))
            return
        rest = len(self._unsent) - sent
        self._unsent = memoryview(self._unsent)[sent:] if rest else b""
        if bool(rest) is not self._blocked:
            self._blocked = bool(rest)
            self._poller.modify(self._socket.fileno(), IN | OUT if rest else IN)

    def _write(self, data: memoryview | bytes) -> int:
        try:
            return self._socket.send(data)  # type: ignore[union-attr]
        except BlockingIOError:
            return 0

    def _receive(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)  # type: ignore[union-attr]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(str(error))
            return
        self._took(data, monotonic())

    def _took(self, data: bytes, now: float) -> None:
        exchange = self.exchange
        if not data or exchange is None:
            self._lose("closed by the server" if not data else "an answer that nobody asked for")
            return
        exchange.stamps.append(now)
        exchange.chunks.append(data)
        try:
            if exchange.is_complete(data):
                self._complete(exchange)
        except FramingError as error:
            exchange.failure, exchange.detail = failures.BAD_ANSWER, str(error)
            self._lose(str(error))

    def _complete(self, exchange: Exchange) -> None:
        exchange.ended = exchange.stamps[-1]
        self.exchange = None
        if exchange.head is not None and not exchange.head.keep_alive:
            self.close()
        self.owner.finished(self, exchange)

    def _lose(self, why: str) -> None:
        self.problem = why
        self.close()
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            return
        exchange.ended = monotonic()
        if exchange.failure is None and not exchange.ends_with_connection:
            exchange.failure = failures.CONNECT if exchange.started is None else failures.DISCONNECTED
            exchange.detail = why
        self.owner.finished(self, exchange)
