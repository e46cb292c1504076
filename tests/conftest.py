"""How the tests share the cores."""

from __future__ import annotations

from pathlib import Path

import pytest

LIVE = Path(__file__).parent / "live"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with processes of their own run one after another: beside one another they would measure one another."""
    for item in items:
        if LIVE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("live"))
