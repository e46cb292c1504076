"""Published scores on disk: the project's own, then a team's."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from core.adapters.catalog_files import OWN_FOLDER
from core.domain.reference import Reference
from core.formats.references_yaml import read_references

LOG = logging.getLogger("seatrial.catalog")


@cache
def load_references(team_folder: Path | None = None) -> tuple[Reference, ...]:
    """Ours are part of the program: a test reads them. A team's file that is wrong is left out and said in the log."""
    found = [one for file in _files(OWN_FOLDER) for one in read_references(file.read_text(encoding="utf-8"))]
    for file in _files(team_folder) if team_folder else ():
        try:
            found += read_references(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            LOG.warning("%s left out: %s", file, error)
    return tuple(found)


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "references").glob("*.yaml"))
