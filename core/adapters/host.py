"""The machine that measures, and what is installed on it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version


def package_version(name: str) -> str | None:
    """Of any installed package, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def describe_host() -> dict[str, str | int | None]:
    """For a run's provenance."""
    return {
        "name": platform.node(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
    }


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
