"""Real Open WebUIs of two generations (scripts/lab/openwebui.sh) before simulated services as strict as vLLM:
first connection, again, others kept, wrong key, dead service, drift, undo; and a browser's chat, counted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from core.adapters.openwebui_http import HttpWebUiAdmin
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Endpoint
from core.domain.finding import blocking
from core.domain.webui import Access, CheckState, ConnectPlan, UpstreamRequest, WebUiInfo, Wishes, WriteState
from core.errors import WebUiError
from core.settings import read_settings
from tests.simulated import SimulatedServer, simulated
from tests.waiting import wait_for

pytestmark = pytest.mark.real
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "lab" / "openwebui.sh"
EMAIL = "admin@lab.local"
OTHER = "http://10.255.255.1:9/v1"
START_LIMIT_S = 240.0


@dataclass
class Site:
    """One real Open WebUI, an installation of ours, and a service with a key."""

    app: App
    info: WebUiInfo
    access: Access
    password: str
    service: SimulatedServer
    endpoint: Endpoint

    def plan(self, *endpoints: Endpoint, wishes: Wishes | None = None) -> ConnectPlan:
        asked = [UpstreamRequest(one.id) for one in endpoints or (self.endpoint,)]
        return self.app.webui.connect.plan(self.info, self.access, asked, wishes or Wishes())

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.access.token}"}
        return httpx.request(method, f"{self.info.url}{path}", json=body, headers=headers, timeout=60, trust_env=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["0.12.4", "0.6.18"])
def webui_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh one, with no account."""
    folder, port = tmp_path_factory.mktemp("open-webui"), free_port()
    subprocess.run(["bash", str(SCRIPT), request.param], check=True, timeout=900)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", str(SCRIPT), request.param, str(port), str(folder / "data")],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: HttpWebUiAdmin().is_healthy(url) or process.poll() is not None, START_LIMIT_S, every_s=0.5)
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture(scope="module")
def site(webui_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path_factory.mktemp("home"))}))
    with simulated("--model", "DeepSeek-R1-0528", "--api-key", "sk-one", "--reasoning", "--itl-ms", "1") as service:
        endpoint = app.endpoints.attach(LOCAL_OPERATOR, service.base_url, key="sk-one")
        info = app.webui.connect.look(f"{webui_url}/")
        assert info.onboarding
        access, password = app.webui.connect.sign_up(LOCAL_OPERATOR, info, EMAIL)
        yield Site(app, app.webui.connect.look(webui_url), access, password, service, endpoint)


@pytest.fixture
def connected(site: Site) -> Iterator[Site]:
    """Connected, with another's connection beside it; undone afterwards."""
    openai = site.ask("GET", "/openai/config").json()
    theirs = {
        **openai,
        "OPENAI_API_BASE_URLS": [OTHER],
        "OPENAI_API_KEYS": ["their-key"],
        "OPENAI_API_CONFIGS": {"0": {"enable": False, "tags": [], "model_ids": ["theirs"]}},
    }
    assert site.ask("POST", "/openai/config/update", theirs).status_code == 200
    applied = site.app.webui.connect.apply(LOCAL_OPERATOR, site.plan(), site.access)
    assert applied.not_taken == ()
    yield site
    if site.app.webui.connect.can_undo(site.app.webui.connect.get(applied.webui.id)):
        site.app.webui.connect.undo(LOCAL_OPERATOR, applied.webui.id, site.access)


def test_connected_proved_and_the_second_time_nothing_is_written(connected: Site) -> None:
    (webui,) = connected.app.webui.connect.list()
    report = connected.app.webui.doctor.examine(webui.id, connected.access).report
    assert report is not None
    assert (report.state, report.drift) == (CheckState.GOOD, ()), report
    again = connected.plan()
    assert again.changes == ()
    assert connected.app.webui.connect.apply(LOCAL_OPERATOR, again, connected.access).writes == 0


def test_anothers_connection_is_kept_and_ours_taken_back(connected: Site) -> None:
    openai = connected.ask("GET", "/openai/config").json()
    assert openai["OPENAI_API_BASE_URLS"] == [OTHER, connected.service.base_url]
    (webui,) = connected.app.webui.connect.list()
    undone = connected.app.webui.connect.undo(LOCAL_OPERATOR, webui.id, connected.access)
    assert (undone.not_taken, undone.webui.written) == ((), WriteState.UNDONE)
    openai = connected.ask("GET", "/openai/config").json()
    assert (openai["OPENAI_API_BASE_URLS"], openai["OPENAI_API_KEYS"]) == ([OTHER], ["their-key"])
    assert connected.ask("GET", "/api/v1/tasks/config").json()["ENABLE_TITLE_GENERATION"] is True


def test_an_ordinary_user_sees_the_model_and_can_chat(connected: Site) -> None:
    (webui,) = connected.app.webui.connect.list()
    email = f"user{free_port()}@lab.local"
    add = connected.app.webui.connect.add_colleague
    password = add(LOCAL_OPERATOR, webui.id, connected.access, "Li", email, admin=False)
    admin = HttpWebUiAdmin()
    access = admin.sign_in(connected.info.url, email, password)
    assert list(admin.listed(connected.info.url, access)) == ["DeepSeek-R1-0528"]
    assert admin.probe(connected.info.url, access, "DeepSeek-R1-0528")


def test_a_changed_key_and_drift_are_one_change_each(connected: Site) -> None:
    (webui,) = connected.app.webui.connect.list()
    tasks = connected.ask("GET", "/api/v1/tasks/config").json()
    connected.ask("POST", "/api/v1/tasks/config/update", {**tasks, "ENABLE_TAGS_GENERATION": True})
    openai = connected.ask("GET", "/openai/config").json()
    connected.ask("POST", "/openai/config/update", {**openai, "OPENAI_API_KEYS": ["their-key", "sk-old"]})
    report = connected.app.webui.doctor.examine(webui.id, connected.access).report
    assert report is not None
    assert [change.code for change in report.drift] == ["connection_key", "switch_off"]
    bad = [check.finding.code for check in report.checks if check.state is CheckState.BAD and check.finding]
    assert bad == ["webui_probe_key"]
    connected.app.webui.connect.apply(LOCAL_OPERATOR, connected.plan(), connected.access)
    healed = connected.app.webui.doctor.examine(webui.id, connected.access).report
    assert healed is not None
    assert healed.state is CheckState.GOOD


def test_tools_for_a_service_that_parses_none_fail_the_proof(connected: Site) -> None:
    defaults = connected.ask("GET", "/api/v1/configs/models").json()
    if "DEFAULT_MODEL_METADATA" not in defaults:
        assert connected.info.version == "0.6.18", "there tools are never sent unasked"
        return
    connected.ask("POST", "/api/v1/configs/models", {**defaults, "DEFAULT_MODEL_METADATA": {}})
    (webui,) = connected.app.webui.connect.list()
    report = connected.app.webui.doctor.examine(webui.id, connected.access).report
    assert report is not None
    bad = [check.finding.code for check in report.checks if check.state is CheckState.BAD and check.finding]
    assert bad == ["webui_probe_tools"]
    connected.app.webui.connect.apply(LOCAL_OPERATOR, connected.plan(), connected.access)


def test_a_wrong_key_and_a_dead_service_write_nothing(site: Site) -> None:
    before = site.ask("GET", "/openai/config").json()
    with simulated("--model", "Other", "--api-key", "sk-two") as service:
        endpoint = site.app.endpoints.attach(LOCAL_OPERATOR, service.base_url, key="sk-two")
        site.app.secrets.put(str(endpoint.key_ref), "wrong")
        assert [one.code for one in blocking(site.plan(endpoint).findings)] == ["endpoint_key_refused"]
        with pytest.raises(WebUiError) as raised:
            HttpWebUiAdmin().verify(site.info.url, site.access, service.base_url, "wrong")
        assert raised.value.code == "webui_route_key"
        with pytest.raises(WebUiError) as raised:
            HttpWebUiAdmin().verify(site.info.url, site.access, service.base_url.removesuffix("/v1"), "sk-two")
        assert raised.value.code == "webui_route_path", raised.value
    with pytest.raises(WebUiError) as raised:
        HttpWebUiAdmin().verify(site.info.url, site.access, service.base_url, "sk-two")
    assert raised.value.code == "webui_route_unreachable"
    assert [one.code for one in blocking(site.plan(endpoint).findings)] == ["endpoint_refused"]
    assert site.ask("GET", "/openai/config").json() == before


def test_refused_sign_ins_have_their_names(site: Site) -> None:
    admin, url = HttpWebUiAdmin(), site.info.url
    codes = []
    for act in (
        lambda: admin.sign_in(url, EMAIL, "wrong"),
        lambda: admin.sign_up(url, "B", "b@lab.local", "password"),
        lambda: admin.who(url, "not-a-token"),
        lambda: admin.look(f"{url}/nowhere"),
    ):
        with pytest.raises(WebUiError) as raised:
            act()
        codes.append(raised.value.code)
    refused = ["webui_sign_in_refused", "webui_sign_up_closed", "webui_token_refused", "webui_not_one"]
    assert codes == refused


@pytest.mark.browser
def test_a_message_in_a_browser_is_one_call(connected: Site, browser: Browser) -> None:
    """And several, once the hidden calls are on again: the counter would have seen them."""
    context = browser.new_context()
    context.add_init_script(f"localStorage.token = {connected.access.token!r}; localStorage.locale = 'en-US'")
    assert _calls_of_a_message(context.new_page(), connected) == 1
    tasks = connected.ask("GET", "/api/v1/tasks/config").json()
    loud = {name: True for name in tasks if name.startswith("ENABLE_") and name.endswith("_GENERATION")}
    connected.ask("POST", "/api/v1/tasks/config/update", {**tasks, **loud})
    assert _calls_of_a_message(context.new_page(), connected) >= 3
    connected.ask("POST", "/api/v1/tasks/config/update", tasks)
    context.close()


def _calls_of_a_message(page: Any, site: Site) -> int:
    """How many requests the model server has counted for the first message of a new chat."""

    def counted() -> int:
        found = site.app.webui.taken(site.endpoint.id)
        return found.calls if found else 0

    page.goto(site.info.url)
    box = page.locator("#chat-input")
    box.wait_for(timeout=90_000)
    page.keyboard.press("Escape")  # what is new in this version
    before = counted()
    box.click()
    page.keyboard.type("What is a sea trial?")
    page.keyboard.press("Enter")
    wait_for(lambda: counted() > before, 60.0, every_s=0.2)
    page.wait_for_timeout(10_000)  # whatever else it asks, it asks behind the answer
    return counted() - before
