"""Where an HTTP/1.1 response ends and what its body is. No I/O; RFC 9112 sections 6 and 7.1."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"\r\n0\r\n\r\n"
CHUNKED = -1
UNTIL_CLOSE = -2
_MAX_HEAD_BYTES = 65_536


class FramingError(ValueError):
    """The bytes are not an HTTP/1.1 response."""


@dataclass(frozen=True)
class Head:
    """A response's status line and the headers that matter. ``length``: body bytes, CHUNKED or UNTIL_CLOSE."""

    status: int
    length: int
    size: int
    content_type: str
    keep_alive: bool


def read_head(data: bytes) -> Head | None:
    """The head at the start of ``data``; None until it is whole. Interim 1xx heads count into ``size``. Raises
    FramingError."""
    start = 0
    while True:
        end = data.find(HEAD_END, start)
        if end < 0:
            if len(data) > _MAX_HEAD_BYTES or not b"HTTP/1.".startswith(data[start : start + 7]):
                raise FramingError("no HTTP response")
            return None
        head = _parse_head(data[start:end], end + len(HEAD_END))
        if head.status >= 200:
            return head
        start = head.size


def _parse_head(block: bytes, size: int) -> Head:
    lines = block.decode("latin-1").split("\r\n")
    protocol, _, rest = lines[0].partition(" ")
    if not protocol.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise FramingError("no HTTP status line")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    keep_alive = headers.get("connection", "").lower() != "close" and protocol != "HTTP/1.0"
    status = int(rest[:3])
    return Head(status, _body_length(status, headers), size, headers.get("content-type", "").lower(), keep_alive)


def _body_length(status: int, headers: dict[str, str]) -> int:
    if status in {204, 304}:
        return 0
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return CHUNKED
    stated = headers.get("content-length")
    if stated is None:
        return UNTIL_CLOSE
    if not stated.isdigit():
        raise FramingError("a content length that is no number")
    return int(stated)


class ChunkWalker:
    """Follows chunked framing through pieces of a body, and tells when its last chunk (with trailers) has come."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0
        self._in_trailers = False
        self.finished = False

    def feed(self, data: bytes) -> bool:
        """Takes the next piece; whether the body is complete. Raises FramingError."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return self.finished
        self._buffer += data[self._skip :]
        self._skip = 0
        while not self.finished and self._step():
            pass
        return self.finished

    def _step(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        if self._in_trailers:
            self.finished = not line
            return True
        size = _chunk_size(line)
        if size == 0:
            self._in_trailers = True
            return True
        size += 2
        self._skip = max(0, size - len(self._buffer))
        self._buffer = self._buffer[size:]
        return True


def chunk_spans(body: bytes, position: int = 0) -> tuple[list[tuple[int, int]], bool]:
    """(start, end) of the data of every chunk of a chunked body that begins at ``position``, and whether its last
    chunk is there. An incomplete chunk at the end is left out. Raises FramingError."""
    spans: list[tuple[int, int]] = []
    find = body.find
    while True:
        line_end = find(b"\r\n", position)
        if line_end < 0:
            return spans, False
        size = _chunk_size(body[position:line_end])
        if size == 0:
            return spans, True
        start = line_end + 2
        position = start + size + 2
        if position > len(body):
            return spans, False
        spans.append((start, start + size))


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0] if b";" in line else line, 16)
    except ValueError as error:
        raise FramingError("a chunk size that is no number") from error
