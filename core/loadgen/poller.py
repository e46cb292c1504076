"""Readiness of sockets, and waiting with a precision below the millisecond."""

from __future__ import annotations

import select
from typing import Protocol

IN = getattr(select, "EPOLLIN", 1)
OUT = getattr(select, "EPOLLOUT", 4)
_PRECISE_BELOW_S = 0.003


class Source(Protocol):
    """What a file descriptor in the poller belongs to."""

    def ready(self, mask: int) -> None:
        """Called when the descriptor is ready: a mask of IN and OUT, or of an error, which a read will tell."""
        ...


class Poller:
    """epoll where the system has it, else poll. Level-triggered."""

    def __init__(self) -> None:
        self._sources: dict[int, Source] = {}
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._poll = None if self._epoll else select.poll()

    def register(self, fd: int, source: Source, mask: int) -> None:
        """Watches a descriptor."""
        self._sources[fd] = source
        (self._epoll or self._poll).register(fd, mask)  # type: ignore[union-attr]

    def modify(self, fd: int, mask: int) -> None:
        """Watches it for something else."""
        (self._epoll or self._poll).modify(fd, mask)  # type: ignore[union-attr]

    def unregister(self, fd: int) -> None:
        """Stops watching it; must come before it is closed."""
        if self._sources.pop(fd, None) is not None:
            (self._epoll or self._poll).unregister(fd)  # type: ignore[union-attr]

    def wait(self, timeout_s: float) -> int:
        """Waits at most ``timeout_s``, lets every ready source work, and tells how many were ready."""
        events = self._events(timeout_s)
        sources = self._sources
        for fd, mask in events:
            source = sources.get(fd)
            if source is not None:
                source.ready(mask)
        return len(events)

    def _events(self, timeout_s: float) -> list[tuple[int, int]]:
        if self._epoll is None:
            return self._poll.poll(max(0.0, timeout_s) * 1000.0)  # type: ignore[union-attr]
        if 0.0 < timeout_s < _PRECISE_BELOW_S:
            # epoll counts whole milliseconds, select microseconds.
            select.select((self._epoll,), (), (), timeout_s)
            timeout_s = 0.0
        return self._epoll.poll(max(0.0, timeout_s))

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._epoll is not None:
            self._epoll.close()
