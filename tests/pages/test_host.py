"""The host's inventory, and the ways to get an image onto it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.bootstrap import App, compose
from core.domain.access import Role
from core.settings import read_settings
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A simulated host: no engine is needed."""
    composed = compose(read_settings({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_HOST_PROFILE": "va16-64"}))
    session.install(composed)
    yield composed
    session.install(None)


@pytest.mark.parametrize(
    ("locale", "told", "engine"),
    [("en-US", "64 devices", "Docker simulated"), ("zh-CN", "64 个设备", "Docker 模拟")],
)
def test_what_is_there_and_that_it_is_simulated(open_page: Open, locale: str, told: str, engine: str) -> None:
    at = open_page("host", locale=locale)
    assert not at.exception
    written = sentences(at)
    assert told in written
    assert engine in written
    assert "vllm\\_vacc" in written or "vllm_vacc" in written
    assert "16 VA16 cards" in written
    assert ("Ports taken" if locale == "en-US" else "已占用的端口") in [found.value for found in at.subheader]


def test_an_image_is_pulled_as_the_team_has_set_it_up(app: App, open_page: Open) -> None:
    at = open_page("host")
    at.text_input(key="pull_name").set_value("vllm/vllm-openai:v1").run()
    assert "without a login" in sentences(at)
    at.button(key="pull").click().run()
    assert not at.exception
    (view,) = app.jobs.active()
    assert view.job.server_key == "image:pull:vllm/vllm-openai:v1"
    at.text_input(key="load_path").set_value("/nowhere/image.tar").run()
    at.button(key="load").click().run()
    assert "There is no file /nowhere/image.tar" in sentences(at).replace("\\", "")


def test_a_viewer_only_looks(open_page: Open) -> None:
    at = open_page("host", person=Role.VIEWER)
    assert not at.exception
    assert not [button for button in at.button if button.key in {"pull", "load"}]
