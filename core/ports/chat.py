"""Chatting with a model server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from core.domain.chat import Piece


class ChatStream(Protocol):
    """One answer; it is asked for when its first piece is."""

    def __iter__(self) -> Iterator[Piece]:
        """As it comes; it ends early where somebody hangs up. Raises EndpointError (chat_broke_off: url, detail, where
        the server does)."""
        ...

    def hang_up(self) -> None:
        """From any thread and at any time, at once, also while the server is silent: it stops generating."""
        ...


class ChatClient(Protocol):
    """One OpenAI-compatible server at a time. Raises EndpointError."""

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> ChatStream:
        """An answer that comes in pieces."""
        ...

    def parses_tools(self, base_url: str, key: str | None, served_name: str) -> bool | None:
        """Whether it takes a request that offers tools; None where it cannot be told."""
        ...
