"""Presets on disk."""

from __future__ import annotations

from functools import cache

from core.adapters.catalog_files import OWN_FOLDER
from core.domain.workload import Preset
from core.formats.workloads_yaml import read_presets


@cache
def load_presets() -> tuple[Preset, ...]:
    """The project's own. A test reads them: they are part of the program."""
    return read_presets((OWN_FOLDER / "workloads" / "presets.yaml").read_text(encoding="utf-8"))
