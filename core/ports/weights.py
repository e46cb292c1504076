"""Folders of weights that are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.domain.weights import RemoteFile, WeightsFolder


class WeightsStore(Protocol):
    def add(self, folder: WeightsFolder) -> None: ...
    def get(self, folder_id: str) -> WeightsFolder:
        """Raises NotFoundError."""
        ...

    def by_job(self, job_id: str) -> WeightsFolder:
        """Raises NotFoundError."""
        ...

    def list(self) -> tuple[WeightsFolder, ...]:
        """The newest first."""
        ...

    def set_job(self, folder_id: str, job_id: str) -> None: ...
    def set_files(self, folder_id: str, files: Sequence[RemoteFile], commit: str | None) -> None: ...
    def set_verified(self, folder_id: str, at: datetime | None) -> None: ...
    def remove(self, folder_id: str) -> None:
        """Forgets it; the folder on the disk is not touched."""
        ...


class WeightsDisk(Protocol):
    """The disk that downloads are written to."""

    def delete(self, folder: str, files: Sequence[str]) -> None:
        """These files of the folder, whole or partial, and every folder that is empty then. What is not there is fine.
        Raises StoreError (weights_not_deleted: path, detail)."""
        ...
