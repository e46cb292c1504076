"""The main job as a person does it, in a real browser: a pasted command becomes a real vLLM, a click a measured curve;
then everything is killed, and the curve is still there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.adapters.docker_engine import DockerEngine
from core.bootstrap import App, compose
from core.domain.deployment import DeploymentState
from core.settings import read_settings
from tests.browser.chromium import watched
from tests.live.servers import until
from tests.live.test_up import free_port, running
from tests.real.conftest import ONE_CORE, VLLM_IMAGE

pytestmark = pytest.mark.real

DRAWN = "[data-seatrial-chart] .main-svg"
POINTS = "document.querySelector('[data-seatrial-chart]').data[0].x.length"
START_LIMIT_S = 240.0


def command(name: str, port: int, weights: Path) -> str:
    """As a person would have it from a colleague: lines that go on, a quoted value."""
    (variable, cores), *_ = ONE_CORE
    return f"""docker run -d --name {name} --privileged --shm-size 1g --ipc host \\
      -p 127.0.0.1:{port}:8000 -v {weights.parent}:/weights \\
      -e {variable}="{cores}" {VLLM_IMAGE} \\
      vllm serve /weights/{weights.name} --served-model-name tiny --max-model-len 4096 --enforce-eager"""


@contextmanager
def removed(engine: DockerEngine, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        for view in engine.list():
            if view.name == name:
                engine.remove(view.id, force=True)


def states(app: App) -> list[DeploymentState]:
    return [view.deployment.state for view in app.deployments.list()]


def paste(page: Page, text: str) -> None:
    page.get_by_role("button").filter(has_text="Paste a command").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(text)
    dialog.get_by_role("button").filter(has_text="Fill the form").click()
    expect(dialog).to_be_hidden(timeout=20_000)


def test_from_a_pasted_command_to_a_curve_that_outlives_everything(
    browser: Browser, engine: DockerEngine, weights: Path, tmp_path: Path
) -> None:
    port = free_port()
    name = f"seatrial-clicks-{port}"
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    with removed(engine, name):
        with running(tmp_path) as started, watched(browser, "light", "en-US") as seen:
            page = seen.page
            seen.open(f"http://127.0.0.1:{started.port}/deploy")
            paste(page, command(name, port, weights))
            page.get_by_role("button").filter(has_text="Deploy").last.click()
            page.wait_for_url("**/deployment?id=*", timeout=30_000)
            until(lambda: states(app) == [DeploymentState.READY], START_LIMIT_S, "the deployment to be ready")
            page.get_by_role("button").filter(has_text="Run a benchmark").first.click(timeout=30_000)
            for label, text, flag in (
                ("Concurrencies", "1, 2", "--concurrency 1,2"),
                ("Requests per point", "8", "--requests 8"),
            ):
                field = page.get_by_role("textbox", name=label)
                field.fill(text)
                field.press("Enter")
                expect(page.get_by_text(flag).first).to_be_visible(timeout=20_000)
            page.get_by_role("button", name="Start", exact=True).click()
            page.wait_for_url("**/run?id=*", timeout=30_000)
            run_id = page.url.rpartition("id=")[2].partition("&")[0]
            until(lambda: app.results.run(run_id).measurements, 120, "a first point")
            started.kill_and_wait_for_another("worker")
            started.kill_and_wait_for_another("streamlit")
            until(started.is_ready, 60, "the app to be ready again")
            seen.open(page.url)
            expect(page.get_by_text("Complete")).to_be_visible(timeout=120_000)
            page.wait_for_selector(DRAWN, timeout=20_000)
            assert page.evaluate(POINTS) == 2
            assert seen.outside == []
            os.kill(started.process.pid, signal.SIGKILL)
        measured = app.results.run(run_id).measurements
        assert [found.requests.succeeded for found in measured] == [8, 8]
        with running(tmp_path) as again, watched(browser, "dark", "zh-CN") as seen:
            seen.open(f"http://127.0.0.1:{again.port}/run?id={run_id}")
            seen.page.wait_for_selector(DRAWN, timeout=20_000)
            assert seen.page.evaluate(POINTS) == 2
        assert app.results.run(run_id).measurements == measured
