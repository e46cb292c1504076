"""Just enough HTTP/1.1 to carry hundreds of streams on a fraction of a core."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from simulator.settings import HEADER

_HEAD_LIMIT_BYTES = 64 * 1024
_BODY_LIMIT_BYTES = 64 * 1024 * 1024
_UNSENT_LIMIT_BYTES = 8 * 1024 * 1024
_SAID_ALWAYS = f"server: seatrial-simulator\r\n{HEADER}: 1\r\n"


class BadRequest(Exception):
    """Not HTTP, or too large: the connection is closed."""


@dataclass(frozen=True)
class Request:
    """One request with its whole body. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another one."""
        return self.headers.get("connection", "").lower() != "close"


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request; None when the client closed. Raises BadRequest."""
    try:
        begin = await reader.readexactly(1)
        if not begin.isalpha():  # a TLS greeting, for one: it would never come to an empty line
            raise BadRequest("not HTTP")
        head = begin + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("headers too large") from error
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("invalid request line")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(parts[0], urlsplit(parts[1]).path, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _BODY_LIMIT_BYTES:
        raise BadRequest("invalid content length")
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readline()).partition(b";")[0], 16)
        if len(body) + size > _BODY_LIMIT_BYTES:
            raise BadRequest("body too large")
        body += (await reader.readexactly(size + 2))[:size]
        if size == 0:
            return bytes(body)


class Connection:
    """The answering side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def is_gone(self) -> bool:
        """Whether the client hung up, or stopped reading."""
        transport = self._writer.transport
        return (
            transport.is_closing() or self._reader.at_eof() or transport.get_write_buffer_size() > _UNSENT_LIMIT_BYTES
        )

    def answer(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"{_status_line(status)}{_SAID_ALWAYS}content-type: {content_type}\r\n{extra}"
        self._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body)

    def answer_json(self, status: int, body: Any) -> None:
        """A whole JSON answer."""
        self.answer(status, json.dumps(body).encode(), "application/json")

    def begin_stream(self) -> None:
        """The head of a server-sent stream."""
        kind = "text/event-stream; charset=utf-8"
        head = f"{_status_line(200)}{_SAID_ALWAYS}content-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        self._writer.write(head.encode("latin-1"))

    def send_event(self, data: str) -> None:
        """One event, in an HTTP chunk of its own."""
        payload = f"data: {data}\n\n".encode()
        self._writer.write(b"%x\r\n%b\r\n" % (len(payload), payload))

    def end_stream(self) -> None:
        """The last, empty chunk."""
        self._writer.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Hangs up at once, whatever was promised."""
        self._writer.transport.abort()


def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n"
