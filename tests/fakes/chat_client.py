"""ChatClient without a network: answers are put in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.domain.chat import Piece
from core.errors import EndpointError


class FakeChatClient:
    """Says ``pieces`` whatever it is asked; an error among them is raised when its turn comes."""

    def __init__(self, *pieces: Piece | EndpointError, tools: bool | None = False) -> None:
        self.pieces = list(pieces)
        self.tools = tools
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []
        self.hung_up = 0

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> Iterator[Piece]:
        self.asked.append((base_url, key, body))
        try:
            for piece in self.pieces:
                if isinstance(piece, EndpointError):
                    raise piece
                yield piece
        except GeneratorExit:
            self.hung_up += 1
            raise

    def parses_tools(self, base_url: str, key: str | None, served_name: str) -> bool | None:
        return self.tools
