"""ChatClient without a network: answers are put in."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from core.domain.chat import Piece
from core.errors import EndpointError


class FakeChatStream:
    """Says ``pieces``; an error among them is raised when its turn comes, and at an event it is silent until that is
    set."""

    def __init__(self, pieces: Sequence[Piece | EndpointError | threading.Event]) -> None:
        self._pieces = pieces
        self.hung_up = threading.Event()

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._pieces:
            if self.hung_up.is_set():
                return
            if isinstance(piece, threading.Event):
                while not piece.wait(0.005) and not self.hung_up.is_set():
                    pass
            elif isinstance(piece, EndpointError):
                raise piece
            else:
                yield piece

    def hang_up(self) -> None:
        self.hung_up.set()


class FakeChatClient:
    """Says ``pieces`` whatever it is asked."""

    def __init__(self, *pieces: Piece | EndpointError | threading.Event, tools: bool | None = False) -> None:
        self.pieces = list(pieces)
        self.tools = tools
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []
        self.streams: list[FakeChatStream] = []

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> FakeChatStream:
        self.asked.append((base_url, key, body))
        self.streams.append(FakeChatStream(tuple(self.pieces)))
        return self.streams[-1]

    @property
    def hung_up(self) -> int:
        """How many answers were cut off."""
        return sum(stream.hung_up.is_set() for stream in self.streams)

    def parses_tools(self, base_url: str, key: str | None, served_name: str) -> bool | None:
        return self.tools
