"""The laboratory that scripts/lab builds, and one vLLM in it that all tests share."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentRequest, DeploymentState
from core.domain.endpoint import Endpoint
from core.domain.finding import blocking
from core.domain.job import JobState
from core.errors import EngineUnavailable
from tests.contract.endpoint_client import Served
from tests.real.house import House

VLLM_IMAGE = "seatrial-lab/vllm-cpu:0.32.0"
ONE_CORE = (("VLLM_CPU_OMP_THREADS_BIND", "0"),)
"""The model's threads on the first core: on a machine that it fills, nobody measures it well."""


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    """Fails, and does not skip, where there is none: these tests were asked for."""
    engine = DockerEngine()
    try:
        engine.info()
    except EngineUnavailable as error:
        pytest.fail(f"no Docker engine answers ({error}); run: make test-real")
    if engine.image_digest(VLLM_IMAGE) is None:
        pytest.fail(f"the image {VLLM_IMAGE} is not here; run: make test-real")
    return engine


@pytest.fixture(scope="session")
def weights() -> Path:
    """The tiny model's folder on this machine."""
    folder = Path(os.environ.get("SEATRIAL_LAB", "/var/tmp/seatrial-lab")) / "models" / "tiny"
    assert (folder / "config.json").is_file(), f"{folder} is not there; run: make test-real"
    return folder


@pytest.fixture(scope="session")
def vocabulary_size(weights: Path) -> int:
    return int(json.loads((weights / "config.json").read_text())["vocab_size"])


@pytest.fixture(scope="session")
def house(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation with its worker, for the whole session."""
    house = House(tmp_path_factory.mktemp("house"))
    house.start_worker()
    yield house
    house.close()


@pytest.fixture(scope="session")
def deployed(house: House, engine: DockerEngine, weights: Path) -> Iterator[Endpoint]:
    """The endpoint of a vLLM that was deployed through the app, as its pages do it. Shared by all tests. On the host's
    network: behind a published port Docker's own proxy would stand between it and one of the two engines that have to
    agree (5 ms of 14 ms to the first token on two cores)."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    request = DeploymentRequest(
        image=VLLM_IMAGE,
        weights=str(weights),
        served_name="tiny",
        container_name=f"seatrial-real-{port}",
        host_port=port,
        container_port=port,
        network="host",
        env=ONE_CORE,
        serve_args=("--max-model-len", "4096", "--enforce-eager"),
        privileged=True,
        shm_size="1g",
        version_label="tiny of the tests",
    )
    plan = house.app.deployments.plan(request)
    assert blocking(plan.findings) == ()
    job = house.app.deployments.start(LOCAL_OPERATOR, plan)
    try:
        house.reaches(job.job.id, JobState.DONE)
        yield house.app.endpoints.get(endpoint_id_of(house, str(job.job.deployment_id)))
    finally:
        for view in engine.list(f"seatrial.deployment={job.job.deployment_id}"):
            engine.remove(view.id, force=True)


def endpoint_id_of(house: House, deployment_id: str) -> str:
    view = house.app.deployments.get(deployment_id)
    assert view.deployment.state is DeploymentState.READY
    assert view.endpoint is not None
    return view.endpoint.id


@pytest.fixture
def vllm_endpoint(house: House, deployed: Endpoint, vocabulary_size: int) -> Served:
    """The same server, as the endpoint client's contract wants it."""
    key = house.app.endpoints.key_of(deployed)
    return Served(deployed.base_url, deployed.served_name, key, 4096, vocabulary_size)
