"""The PromptFiles port: a folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from core.adapters.database.failures import translated
from core.errors import NotFoundError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderPromptFiles:
    """``folder/<digest>.jsonl``, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, text: str) -> str:
        """The digest. Raises StoreError (disk_full)."""
        content = text.encode()
        digest = hashlib.sha256(content).hexdigest()
        file = self._file(digest)
        if not file.exists():
            with translated():
                self._folder.mkdir(parents=True, exist_ok=True)
                draft = file.with_suffix(".part")
                draft.write_bytes(content)
                draft.replace(file)
        return digest

    def path(self, digest: str) -> Path:
        """Raises NotFoundError."""
        file = self._file(digest)
        if not _DIGEST.fullmatch(digest) or not file.exists():
            raise NotFoundError(kind="prompts", id=digest)
        return file

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.jsonl"
