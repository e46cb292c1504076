"""The version that stands with every run is the project's own."""

from __future__ import annotations

import re
from pathlib import Path

from core.product import product_version

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_the_version_is_what_the_project_states() -> None:
    stated = re.search(r'^version = "(.+)"$', PROJECT.read_text(), re.MULTILINE)
    assert stated is not None
    assert product_version() == stated[1] != "0"
