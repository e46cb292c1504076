"""Files that a browser sends, piece by piece: under another name until the last one is there."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from core.adapters.database.failures import translated

_PART = ".part"


class UploadFolder:
    """Fulfils ports.Uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, name: str) -> FileUpload:
        """Raises StoreError. ``name`` is a plain file name; what an earlier one left is replaced at the end."""
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
            return FileUpload(self._folder / Path(name).name)

    def free_bytes(self) -> int:
        there = self._folder if self._folder.exists() else self._folder.parent
        with translated():
            return shutil.disk_usage(there).free

    def discard(self, path: str) -> None:
        if Path(path).parent == self._folder:
            with translated():
                Path(path).unlink(missing_ok=True)


class FileUpload:
    """Fulfils ports.Upload."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{uuid.uuid4().hex}{_PART}")
        self._file = self._part.open("wb")

    def write(self, piece: bytes) -> None:
        with translated():
            self._file.write(piece)

    def finish(self) -> str:
        with translated():
            self._file.close()
            self._part.replace(self._target)
        return str(self._target)

    def abandon(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)
