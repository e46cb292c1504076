"""Messages between our own processes, over pipes: ``marshal`` with a length before it. Both ends are one program."""

from __future__ import annotations

import marshal
import os
import struct
from collections.abc import Iterator
from typing import Any

_PREFIX = struct.Struct("!Q")
_READ_BYTES = 1 << 20

Message = dict[str, Any]


def write_message(fd: int, message: Message) -> None:
    """Writes one message whole. Raises OSError where the reader is gone."""
    data = marshal.dumps(message)
    view = memoryview(_PREFIX.pack(len(data)) + data)
    while view:
        view = view[os.write(fd, view) :]


class MessageReader:
    """Collects messages from a pipe. ``closed``: the writer is gone."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self._buffer = bytearray()

    def read(self) -> Iterator[Message]:
        """Reads once (blocking where nothing is there) and yields the messages that are whole."""
        data = os.read(self.fd, _READ_BYTES)
        self.closed = not data
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        if len(self._buffer) < _PREFIX.size:
            return None
        end = _PREFIX.size + _PREFIX.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        message: Message = marshal.loads(self._buffer[_PREFIX.size : end])
        del self._buffer[:end]
        return message
