"""Pages driven by AppTest, from ui/shell.py, over a whole core with a database of its own."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR, Role
from core.settings import read_settings
from tests.fakes.fresh_database import fresh_file
from ui import session, web

SHELL = Path(__file__).resolve().parents[2] / "ui" / "shell.py"
PASSWORD = "correct horse"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def warm() -> Iterator[None]:
    """Streamlit looks through all modules for garbage after every run of a page, unless told as the server does it; and
    AppTest reads the metadata of every installed package for every page that it opens, which once is enough for."""
    web.warm()
    scan = manifest_scanner.scan_component_manifests
    manifest_scanner.scan_component_manifests = cache(scan)
    yield
    manifest_scanner.scan_component_manifests = scan
    gc.unfreeze()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """The core that the pages of this test see."""
    fresh_file(tmp_path)
    composed = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    session.install(composed)
    yield composed
    session.install(None)


@pytest.fixture
def open_page(app: App) -> Open:
    """``open_page("runs", locale="zh-CN", person=None, id="...")``: the page as that person sees it, query included.
    Without a person: the one of a loopback installation."""

    def opened(page: str = "overview", *, locale: str = "en-US", person: Role | None = None, **query: str) -> AppTest:
        at = AppTest.from_file(str(SHELL), default_timeout=30)
        at.user = _identity(app, person)
        at.context["locale"] = locale
        for key, value in query.items():
            at.query_params[key] = value
        at.switch_page(f"../pages/{page}.py")
        return at.run()

    return opened


def _identity(app: App, person: Role | None) -> dict[str, str]:
    if person is None:
        return {"name": "local", "session": session.LOOPBACK}
    name = f"{person}-person"
    if name not in {account.name for account in app.access.list_users()}:
        app.access.add_user(LOCAL_OPERATOR, name, person, PASSWORD)
    return {"name": name, "session": app.access.sign_in(name, PASSWORD, "test").id}
