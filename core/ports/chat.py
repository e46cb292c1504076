"""Chatting with a model server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from core.domain.chat import Piece


class ChatClient(Protocol):
    """One OpenAI-compatible server at a time. Raises EndpointError."""

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> Iterator[Piece]:
        """An answer as it comes; closing the iterator hangs up, and the server stops generating."""
        ...

    def parses_tools(self, base_url: str, key: str | None, served_name: str) -> bool | None:
        """Whether it takes a request that offers tools; None where it cannot be told."""
        ...
