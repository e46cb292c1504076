"""Files of prompts that were given to us."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class PromptFiles(Protocol):
    """Kept under the SHA-256 of their content, for as long as results refer to them."""

    def put(self, lines: Iterable[str]) -> str:
        """The digest. Nothing is kept where ``lines`` raises. Raises StoreError."""
        ...

    def path(self, digest: str) -> Path:
        """Where a child process finds it. Raises NotFoundError."""
        ...
