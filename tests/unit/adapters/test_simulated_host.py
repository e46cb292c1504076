"""A host that is not there: its folders, its devices, and the engine that starts stand-ins on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.host_probe import LocalHostProbe
from core.adapters.simulated_engine import SimulatedEngine
from core.adapters.simulated_host import SimulatedHostProbe, read_host, simulated_hosts
from core.domain.container import ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentRequest
from core.errors import ContainerFailed, ImageMissing, NameTaken, NotFoundError, PortTaken, RefusedError
from core.services.weights_findings import weights_findings
from core.services.weights_reading import WeightsReader
from tests.waiting import wait_for

HOST = read_host("va16-64")
WEIGHTS = "/data/weights/DeepSeek-R1-0528"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def probe() -> SimulatedHostProbe:
    return SimulatedHostProbe(HOST, LocalHostProbe())


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedEngine]:
    monkeypatch.setenv("SEATRIAL_SIMULATED_LOAD_S", "0.2")
    made = SimulatedEngine(HOST, tmp_path / "simulated")
    yield made
    for view in made.list():
        made.remove(view.id, force=True)


def spec(**changes: object) -> ContainerSpec:
    command = ("vllm", "serve", "/weights/m", "--max-model-len", "65536", "--port", "8000", "--served-model-name", "m")
    made = ContainerSpec(
        name="vllm_service",
        image=HOST.images[0],
        command=command,
        ports=(PublishedPort(free_port(), 8000),),
        privileged=True,
        labels={"seatrial.deployment": "dep-1"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "devices", "architecture"),
    [("va16-64", 64, "x86_64"), ("va16-32", 32, "x86_64"), ("va16-32-arm", 32, "aarch64")],
)
def test_the_profiles(name: str, devices: int, architecture: str) -> None:
    found = SimulatedHostProbe(read_host(name), LocalHostProbe())
    assert len(found.nodes("/dev/vacc[0-9]*")) == devices
    facts = found.facts()
    assert facts is not None
    assert (facts.architecture, bool(facts.simulated)) == (architecture, True)


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(RefusedError) as caught:
        read_host("h100-8")
    assert all(name in str(caught.value.params["detail"]) for name in simulated_hosts())


def test_its_models_stand_every_check(probe: SimulatedHostProbe) -> None:
    request = DeploymentRequest(
        image="x", weights=WEIGHTS, served_name="m", serve_args=("--tensor-parallel-size", "32")
    )
    assert list(weights_findings(request, probe)) == []
    folder = WeightsReader(probe).folder(WEIGHTS)
    assert folder is not None
    assert (len(folder.names), round(folder.size_bytes / 1e9)) == (163, 642)
    assert probe.look("/nowhere").kind == "absent"


def test_a_container_keeps_its_spec_and_serves(engine: SimulatedEngine, tmp_path: Path) -> None:
    asked = spec()
    view = engine.create_or_adopt(asked, {"VLLM_API_KEY": "sk-secret"})
    assert (view.state, view.ports) == ("running", asked.ports)
    assert engine.create_or_adopt(asked, {}).id == view.id
    assert engine.describe(view.id) == asked
    wait_for(lambda: "SIMULATED vLLM (no model runs here)" in engine.logs_tail(view.id))
    assert "16/16" in engine.logs_tail(view.id)
    other = SimulatedEngine(HOST, tmp_path / "simulated")
    assert other.get(view.id).state == "running", "another process sees the same"
    engine.stop(view.id)
    assert other.get(view.id).state == "exited"
    engine.start(view.id)
    assert other.get(view.id).state == "running"
    engine.remove(view.id, force=True)
    with pytest.raises(NotFoundError):
        other.get(view.id)


def test_what_it_refuses_as_an_engine_does(engine: SimulatedEngine) -> None:
    with pytest.raises(ImageMissing):
        engine.create_or_adopt(spec(image="none:1"), {})
    with pytest.raises(ContainerFailed):
        engine.create_or_adopt(spec(command=("sleep", "9")), {})
    first = spec()
    engine.create_or_adopt(first, {})
    labels = {"seatrial.deployment": "dep-2"}
    with pytest.raises(NameTaken):
        engine.create_or_adopt(spec(labels=labels), {})
    with pytest.raises(PortTaken) as caught:
        engine.create_or_adopt(spec(labels=labels, name="two", ports=first.ports), {})
    assert caught.value.params["owner"] == "vllm_service"


def test_a_stand_in_that_is_killed_has_ended(engine: SimulatedEngine) -> None:
    view = engine.create_or_adopt(spec(), {})
    engine.stop(view.id, timeout_s=0)
    assert engine.get(view.id).exit_code in {0, 137}
    assert [line for _, line in engine.follow_logs(view.id)] == engine.logs_tail(view.id).splitlines()


def test_a_pull_is_remembered(engine: SimulatedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.adapters.simulated_engine._PULL_STEP_S", 0.0)
    assert engine.image_digest("new:1") is None
    assert list(engine.pull("new:1"))[-1][0] == list(engine.pull("new:1"))[-1][1]
    assert engine.image_digest("new:1") is not None
