"""Datasets on this machine's disk: what EvalScope has loaded before, and folders that a person names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from core.domain.evaluation import Dataset

_DATA = frozenset({".parquet", ".jsonl", ".json", ".csv", ".tsv", ".arrow"})
_LOOKED_AT = 500
_STATE = "state.json"
"""What ``datasets`` writes into the folder of a split that it has saved."""


class LocalDatasetFolders:
    """The DatasetFolders port. ``cache`` is EvalScope's ``dataset_dir``."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def cached(self, datasets: Iterable[Dataset]) -> frozenset[str]:
        """EvalScope keeps each repository under its name, a dash and a hash; a download that failed leaves a lock."""
        whole = (self._cache / "datasets").glob(f"*-*/{_STATE}")
        names = {path.parent.name.rpartition("-")[0] for path in whole}
        return frozenset(dataset.key for dataset in datasets if names and _names(dataset) & names)

    def problem(self, folder: Path) -> str | None:
        """What does not exist, EvalScope takes for a name in a hub, and tries to download."""
        if not folder.is_absolute():
            return "eval_folder_relative"
        if not folder.is_dir():
            return "eval_folder_missing"
        return None if _holds_data(folder) else "eval_folder_empty"


def _names(dataset: Dataset) -> set[str]:
    return {_file_name(name) for name in (dataset.repo_id, dataset.hf_repo_id) if name}


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
