"""A VA16 server without a VA16: the whole way by clicks, from a model that is there to a stand-in that answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState
from core.settings import read_settings
from tests.browser.chromium import watched
from tests.live.servers import until
from tests.live.test_up import free_port, running

pytestmark = pytest.mark.browser


def test_from_a_model_to_a_served_endpoint(browser: Browser, tmp_path: Path) -> None:
    host = {"SEATRIAL_HOST_PROFILE": "va16-64", "SEATRIAL_SIMULATED_LOAD_S": "1"}
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path), **host}))
    port = free_port()
    with running(tmp_path, settings=host) as started, watched(browser, "light", "en-US") as seen:
        page = seen.page
        seen.open(f"http://127.0.0.1:{started.port}/models")
        page.get_by_role("button").filter(has_text="Deploy").first.click()
        model = page.get_by_role("combobox", name="Model")
        model.fill("DeepSeek-R1-0528")
        page.get_by_role("option", name=re.compile("DeepSeek-R1-0528")).click()
        page.get_by_role("radio", name=re.compile("tp32-pp2")).click()
        page.get_by_role("spinbutton", name="Port").fill(str(port))
        page.get_by_role("spinbutton", name="Port").press("Enter")
        expect(page.get_by_text(f"-p {port}:8000").first).to_be_visible(timeout=20_000)
        page.get_by_role("button").filter(has_text=re.compile("Deploy$")).last.click()
        try:
            until(
                lambda: any(view.deployment.state is DeploymentState.READY for view in app.deployments.list()), 60, "it"
            )
            (view,) = app.deployments.list()
            assert view.container is not None
            spec = app.containers.describe(view.container.id)
            assert spec == view.deployment.spec
            assert (spec.privileged, spec.shm_size, spec.ipc) == (True, "256g", "host")
            assert spec.env["LLM_MAX_PREFILL_SEQ_LEN"] == "102400"
            expect(page.get_by_text("Simulated").first).to_be_visible()
            assert seen.outside == []
        finally:
            for view in app.deployments.list():
                app.deployments.remove(LOCAL_OPERATOR, view.deployment.id, cancel_jobs=True)
        assert app.containers.list() == ()
