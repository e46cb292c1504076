"""An Open WebUI of our own, from a click to a chat that works: a real container through the real worker."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from core.adapters.docker_engine import DockerEngine
from core.adapters.openwebui_http import HttpWebUiAdmin
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Endpoint
from core.domain.finding import blocking
from core.domain.job import JobState
from core.domain.webui import CheckState, Network, UpstreamRequest, WebUi, WebUiStartRequest
from core.errors import NotFoundError
from tests.real.house import House
from tests.simulated import simulated

pytestmark = pytest.mark.real
IMAGE = "seatrial-lab/open-webui:0.12.4"
EMAIL = "admin@lab.local"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def volume(engine: DockerEngine, port: int) -> Iterator[str]:
    """A name that nobody has; nothing is left of it."""
    name = f"seatrial-real-{port}"
    yield name
    for view in engine.list("seatrial.webui"):
        if view.name == name:
            engine.remove(view.id, force=True)
    engine.remove_volume(name)


def test_on_a_bridge_before_a_simulated_service(house: House, engine: DockerEngine, port: int, volume: str) -> None:
    """Loopback inside is the container itself; the address that works is found out."""
    with simulated("--model", f"real-{port}", "--host", "0.0.0.0", "--api-key", "sk-real", "--itl-ms", "1") as service:
        address = service.base_url.replace("0.0.0.0", "127.0.0.1")
        endpoint = house.app.endpoints.attach(LOCAL_OPERATOR, address, key="sk-real")
        from_a_click_to_a_chat(house, engine, endpoint, port, volume, Network.BRIDGE)


def test_on_the_hosts_network_before_a_real_vllm(
    house: House, engine: DockerEngine, deployed: Endpoint, port: int, volume: str
) -> None:
    """The service listens on loopback alone, with a generated key."""
    from_a_click_to_a_chat(house, engine, deployed, port, volume, Network.HOST)


def from_a_click_to_a_chat(
    house: House, engine: DockerEngine, endpoint: Endpoint, port: int, volume: str, network: Network
) -> None:
    assert engine.image_digest(IMAGE) is not None, f"{IMAGE} is not here; run: make test-real"
    room = house.app.webui
    request = WebUiStartRequest(
        IMAGE,
        EMAIL,
        (UpstreamRequest(endpoint.id),),
        container_name=volume,
        volume=volume,
        port=port,
        network=network,
        restart="no",
    )
    plan = room.containers.plan(request)
    assert blocking(plan.findings) == ()
    begun, password = room.containers.start(LOCAL_OPERATOR, plan)
    house.reaches(str(begun.job_id), JobState.DONE)
    webui = proved(house, begun.id)
    assert [one.served_name for one in webui.connected] == [endpoint.served_name]
    admin = HttpWebUiAdmin()
    assert admin.sign_in(webui.url, EMAIL, password).role == "admin"
    assert not admin.look(webui.url).onboarding
    access = room.connect.kept_access(webui.id)
    assert access is not None
    assert room.connect.drift(webui, access) == ()

    again = room.containers.restart(LOCAL_OPERATOR, webui.id)
    house.reaches(again.job.id, JobState.DONE)
    assert admin.sign_in(webui.url, EMAIL, password).role == "admin", "the account lies in the volume"
    assert admin.who(webui.url, access.token).role == "admin", "the secret key was kept: the old sign-in counts"

    room.containers.remove(LOCAL_OPERATOR, webui.id)
    assert engine.has_volume(volume), "kept unless asked"
    with pytest.raises(NotFoundError):
        engine.get(str(webui.container_id))


def proved(house: House, webui_id: str) -> WebUi:
    webui = house.app.webui.connect.get(webui_id)
    assert webui.report is not None
    assert webui.report.state is CheckState.GOOD, webui.report
    return webui
