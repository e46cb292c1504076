"""A VA16 server without a VA16: the whole way by clicks, from a model that is there to a stand-in that answers; on
every simulated host. Pictures of each stay in build/screenshots/."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState, DeploymentView
from core.settings import read_settings
from tests.browser.chromium import watched
from tests.live.servers import until
from tests.live.test_up import free_port, running

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
LONG_INPUT = {"LLM_MAX_PREFILL_SEQ_LEN": "102400", "FUSE_ALL_DECODER_LAYERS": "0"}


@dataclass(frozen=True)
class Server:
    """A simulated host, what is deployed there and what it becomes. ``too_large``: a profile that it cannot hold."""

    host: str
    profile: str
    tag: str = "AI3.2_GR_1202"
    env: dict[str, str] = field(default_factory=dict)
    too_large: str | None = None


SERVERS = (
    Server("va16-64", "tp32-pp2", env=LONG_INPUT),
    Server("va16-32", "tp32", too_large="tp32-pp2"),
    Server("va16-32-arm", "tp32", tag="AI3.2_GR_1202_arm"),
)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.host)
def test_from_a_model_to_a_served_endpoint(browser: Browser, tmp_path: Path, server: Server) -> None:
    host = {"SEATRIAL_HOST_PROFILE": server.host, "SEATRIAL_SIMULATED_LOAD_S": "1"}
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path), **host}))
    port = free_port()
    with running(tmp_path, settings=host) as started, watched(browser, "light", "en-US") as seen:
        page = seen.page
        seen.open(f"http://127.0.0.1:{started.port}/models")
        choose(page, server)
        type_port(page, port)
        picture(page, server, "plan")
        deploy_button(page).click()
        try:
            view = served(app)
            assert view.container is not None
            spec = app.containers.describe(view.container.id)
            assert spec == view.deployment.spec
            assert (spec.privileged, spec.shm_size, spec.ipc) == (True, "256g", "host")
            assert spec.image.endswith(f":{server.tag}")
            assert spec.env == server.env
            expect(page.get_by_text("Simulated").first).to_be_visible()
            expect(page.get_by_text("Address for clients").first).to_be_visible(timeout=20_000)
            picture(page, server, "ready")
            assert seen.outside == []
        finally:
            for view in app.deployments.list():
                app.deployments.remove(LOCAL_OPERATOR, view.deployment.id, cancel_jobs=True)
        assert app.containers.list() == ()


def choose(page: Page, server: Server) -> None:
    """From the list of what is there to the form, the model, its profile; what does not fit is refused first."""
    page.get_by_role("button").filter(has_text="Deploy").first.click()
    page.get_by_role("combobox", name="Model").fill("DeepSeek-R1-0528")
    page.get_by_role("option", name=re.compile("DeepSeek-R1-0528")).click()
    if server.too_large is not None:
        page.get_by_role("radio", name=re.compile(f"^{server.too_large} ")).click()
        expect(page.get_by_text("64 devices are needed").first).to_be_attached(timeout=20_000)
        expect(deploy_button(page)).to_be_disabled()
    page.get_by_role("radio", name=re.compile(f"^{server.profile} ")).click()
    expect(deploy_button(page)).to_be_enabled(timeout=20_000)


def type_port(page: Page, port: int) -> None:
    """Digit by digit, with neither Enter nor a click elsewhere: the plan follows."""
    field = page.get_by_role("textbox", name="Port")
    field.fill("")
    field.press_sequentially(str(port))
    expect(page.get_by_text(f"-p {port}:8000").first).to_be_visible(timeout=20_000)


def deploy_button(page: Page) -> Locator:
    """The one that starts it, not the menu's."""
    return page.get_by_role("button").filter(has_text=re.compile("Deploy$")).last


def served(app: App) -> DeploymentView:
    """The deployment, once it is ready."""
    until(lambda: any(view.deployment.state is DeploymentState.READY for view in app.deployments.list()), 60, "it")
    (view,) = app.deployments.list()
    return view


def picture(page: Page, server: Server, name: str) -> None:
    """Kept beside the benchmarks' figures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{server.host}-{name}.png")
