"""One request and what came back, as bytes and times: all that the hot path keeps."""

from __future__ import annotations

from core.loadgen.framing import CHUNKED, HEAD_END, LAST_CHUNK, UNTIL_CLOSE, ChunkWalker, Head, read_head

_CHUNK_OVERHEAD_BYTES = 100
_TAIL = len(LAST_CHUNK)


class Exchange:
    """Times are ``time.monotonic`` seconds. ``due``: when it ought to have been sent. ``started``: when its first byte
    was written, None if never. ``stamps[i]``: when ``chunks[i]`` arrived. ``failure``: set where the connection knows
    it; what the bytes say is read later."""

    __slots__ = (
        "_need",
        "_walker",
        "chunks",
        "detail",
        "due",
        "ended",
        "failure",
        "head",
        "index",
        "stamps",
        "started",
    )

    def __init__(self, index: int, due: float) -> None:
        self.index = index
        self.due = due
        self.started: float | None = None
        self.ended: float = due
        self.chunks: list[bytes] = []
        self.stamps: list[float] = []
        self.head: Head | None = None
        self.failure: str | None = None
        self.detail: str = ""
        self._need = 0
        self._walker: ChunkWalker | None = None

    @property
    def kept_bytes(self) -> int:
        """About how much memory this exchange holds."""
        return sum(map(len, self.chunks)) + _CHUNK_OVERHEAD_BYTES * len(self.chunks)

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the end of the body."""
        return self.head is not None and self.head.length == UNTIL_CLOSE

    def is_complete(self, data: bytes) -> bool:
        """Whether the response is whole, now that ``data`` was appended to ``chunks``. Raises FramingError."""
        head = self.head
        if head is None:
            return self._begin()
        if head.length == CHUNKED:
            return self._is_last(data)
        self._need -= len(data)
        return head.length >= 0 and self._need <= 0

    def _begin(self) -> bool:
        data = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        head = self.head = read_head(data)
        if head is None:
            return False
        body_bytes = len(data) - head.size
        if head.length == CHUNKED:
            return body_bytes > 0 and self._is_last(data)
        self._need = head.length - body_bytes
        return head.length >= 0 and self._need <= 0

    def _is_last(self, data: bytes) -> bool:
        """A body's end is known by its last bytes, which no event has inside it; what only looks a little like it is
        looked at exactly, from then on."""
        if self._walker is not None:
            return self._walker.feed(data)
        tail = data[-_TAIL:]
        if len(tail) < _TAIL:
            tail = b"".join(self.chunks[-_TAIL:])[-_TAIL:]
        return tail[-4:] == HEAD_END and (tail == LAST_CHUNK or self._walk())

    def _walk(self) -> bool:
        self._walker = ChunkWalker()
        size = self.head.size if self.head is not None else 0
        return self._walker.feed(b"".join(self.chunks)[size:])
