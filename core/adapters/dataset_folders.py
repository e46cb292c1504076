"""Datasets on this machine's disk: what EvalScope has loaded before, and folders that a person names."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from core.domain.evaluation import Dataset

_DATA = frozenset({".parquet", ".jsonl", ".json", ".csv", ".tsv", ".arrow"})
_LOOKED_AT = 500


class LocalDatasetFolders:
    """The DatasetFolders port. ``cache`` is EvalScope's ``dataset_dir``."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def is_cached(self, dataset: Dataset) -> bool:
        """Whether EvalScope has loaded it here before: it keeps each repository under its name and a hash."""
        names = [name for name in (dataset.repo_id, dataset.hf_repo_id) if name]
        return any(
            next(iter((self._cache / "datasets").glob(f"{_file_name(name)}-*")), None) is not None for name in names
        )

    def problem(self, folder: Path) -> str | None:
        """What does not exist, EvalScope takes for a name in a hub, and tries to download."""
        if not folder.is_absolute():
            return "eval_folder_relative"
        if not folder.is_dir():
            return "eval_folder_missing"
        return None if _holds_data(folder) else "eval_folder_empty"


def _holds_data(folder: Path) -> bool:
    for looked_at, path in enumerate(folder.rglob("*")):
        if path.suffix in _DATA and path.is_file():
            return True
        if looked_at > _LOOKED_AT:
            break
    return False


def _file_name(repo_id: str) -> str:
    """As EvalScope 1.14 spells it (utils.io_utils.safe_filename)."""
    plain = unicodedata.normalize("NFKD", repo_id).encode("ascii", "ignore").decode()
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9.\-_]", "_", plain)).strip("._")
