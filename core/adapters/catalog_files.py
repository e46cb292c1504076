"""Catalog files on disk: the project's own folder, then a team's, which wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.domain.catalog import Catalog, CatalogProblem
from core.formats.catalog_yaml import read_catalog

OWN_FOLDER = Path(__file__).resolve().parents[2] / "catalog"


def load_catalog(team_folder: Path | None = None) -> Catalog:
    """Reads both folders. An unreadable file is a problem of the catalog, not an error."""
    unreadable: list[CatalogProblem] = []
    files = [*_files(OWN_FOLDER, unreadable)]
    if team_folder is not None and team_folder.is_dir():
        files += _files(team_folder, unreadable)
    catalog = read_catalog(files)
    if not unreadable:
        return catalog
    return Catalog(
        catalog.platforms,
        catalog.images,
        catalog.models,
        catalog.groups,
        catalog.flag_rules,
        (*unreadable, *catalog.problems),
    )


def _files(folder: Path, unreadable: list[CatalogProblem]) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*/*.yaml")):
        name = path.relative_to(folder).as_posix()
        try:
            yield name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            unreadable.append(CatalogProblem(name, "", str(error)))
