"""Deletes downloaded files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.domain.weights import PARTIAL_SUFFIX, is_safe_path
from core.errors import StoreError


class LocalWeightsDisk:
    """Fulfils ports.WeightsDisk."""

    def delete(self, folder: str, files: Sequence[str]) -> None:
        base = Path(folder)
        try:
            for name in filter(is_safe_path, files):
                (base / name).unlink(missing_ok=True)
                (base / f"{name}{PARTIAL_SUFFIX}").unlink(missing_ok=True)
        except OSError as error:
            raise StoreError("weights_not_deleted", path=folder, detail=str(error)) from error
        for parent in sorted({(base / name).parent for name in files} | {base}, reverse=True):
            with suppress(OSError):  # something else lies in it: it stays
                parent.rmdir()
