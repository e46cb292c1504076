"""OpenAI-compatible servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from core.domain.endpoint import EndpointCheck, Task


class EndpointClient(Protocol):
    """Talks to one OpenAI-compatible server. Raises Unreachable, TimedOut, Rejected, NotOpenAI."""

    def check(
        self, base_url: str, key: str | None, served_name: str | None = None, limit_s: float | None = None
    ) -> EndpointCheck:
        """Looks at everything once, within ``limit_s`` (the client's own where none is given). Never raises for a bad
        server: the check's findings say what is wrong."""
        ...

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool: ...
    def complete_once(self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0) -> str:
        """One real one-token completion; its text."""
        ...

    def answer_once(
        self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0, first: Task = Task.GENERATE
    ) -> Task:
        """One small real request of the kind that the server takes, ``first`` before the others; which one it was.
        Raises as ``complete_once``, with the refusal of the first kind where none is taken."""
        ...

    def metrics(self, base_url: str, timeout_s: float = 2.0) -> Mapping[str, float] | None:
        """The server's own counters, summed over labels, or None."""
        ...

    def resolve(self, base_url: str) -> tuple[str, int]:
        """IP address and port behind a URL; every address of this machine reads 127.0.0.1. Raises Unreachable."""
        ...
