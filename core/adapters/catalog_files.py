"""Catalog files on disk: the project's own folder, then a team's, which wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.domain.catalog import Catalog, CatalogProblem
from core.errors import StoreError
from core.formats.catalog_yaml import read_catalog

_Stamp = tuple[tuple[str, int], ...]
OWN_FOLDER = Path(__file__).resolve().parents[2] / "catalog"


def load_catalog(team_folder: Path | None = None) -> Catalog:
    """Reads both folders. An unreadable file is a problem of the catalog, not an error."""
    unreadable: list[CatalogProblem] = []
    files = [*_files(OWN_FOLDER, unreadable)]
    if team_folder is not None and team_folder.is_dir():
        files += _files(team_folder, unreadable)
    catalog = read_catalog(files)
    return replace(catalog, problems=(*unreadable, *catalog.problems))


class CatalogFolder:
    """The CatalogSource port over files; read again once a file has changed."""

    def __init__(self, team_folder: Path) -> None:
        self._team = team_folder
        self._read: tuple[_Stamp, Catalog] | None = None

    def load(self) -> Catalog:
        """Ours and the team's."""
        stamp = self._stamp()
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, load_catalog(self._team))
        return self._read[1]

    def save(self, name: str, text: str) -> None:
        """A file of the team's folder, whole or not at all. Raises StoreError."""
        path = self._team / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise StoreError("catalog_not_writable", path=str(path), detail=str(error)) from error

    def delete(self, name: str) -> None:
        """Raises StoreError."""
        path = self._team / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError("catalog_not_writable", path=str(path), detail=str(error)) from error

    def _stamp(self) -> _Stamp:
        found = [(str(path), path.stat().st_mtime_ns) for path in sorted(self._team.glob("*/*.yaml")) if path.exists()]
        return tuple(found)


def _files(folder: Path, unreadable: list[CatalogProblem]) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*/*.yaml")):
        name = path.relative_to(folder).as_posix()
        try:
            yield name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            unreadable.append(CatalogProblem(name, "", str(error)))
