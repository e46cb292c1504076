"""Which Seatrial this is."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


@cache
def product_version() -> str:
    """As pyproject.toml states it: the product runs from its folder and is installed nowhere."""
    with _PROJECT.open("rb") as file:
        stated: str = tomllib.load(file)["project"]["version"]
    return stated
