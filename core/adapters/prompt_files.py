"""The PromptFiles port: a folder."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from core.adapters.database.failures import translated
from core.errors import NotFoundError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderPromptFiles:
    """``folder/<digest>.jsonl``, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, lines: Iterable[str]) -> str:
        """The digest, known once all is written. Raises StoreError (disk_full)."""
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{uuid.uuid4().hex}.part"
        try:
            digest = self._write(draft, lines)
            with translated():
                draft.replace(self._file(digest))
        finally:
            draft.unlink(missing_ok=True)
        return digest

    def _write(self, draft: Path, lines: Iterable[str]) -> str:
        digest = hashlib.sha256()
        with translated(), draft.open("wb") as file:
            for line in lines:
                data = line.encode("utf-8", "replace")
                digest.update(data)
                file.write(data)
        return digest.hexdigest()

    def path(self, digest: str) -> Path:
        """Raises NotFoundError."""
        file = self._file(digest)
        if not _DIGEST.fullmatch(digest) or not file.exists():
            raise NotFoundError(kind="prompts", id=digest)
        return file

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.jsonl"
