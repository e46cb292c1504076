"""How the tests share the cores, and one browser."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.postgresql import Cluster

HERE = Path(__file__).parent
NEEDS = {"browser": pytest.mark.browser, "real": pytest.mark.real}
MEASURING = {"test_jobs_control", "test_jobs_measure", "test_loadgen_faults", "test_loadgen_measures"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a browser or an engine says so by its folder. Live tests of a file run in a row, those that measure
    time beside no other of them."""
    for item in items:
        folder, name = item.path.parent, item.path.stem
        if folder.parent == HERE and folder.name in NEEDS:
            item.add_marker(NEEDS[folder.name])
        if folder == HERE / "live":
            item.add_marker(pytest.mark.xdist_group("measuring" if name in MEASURING else name))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests that want one."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import FLAGS

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """One cluster for all tests that want a database of this kind; only tests marked real do."""
    from tests.postgresql import cluster

    with cluster() as found:
        yield found


def pytest_collection_finish() -> None:
    """What collecting has made lives to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
