"""The laboratory that scripts/lab builds, and one vLLM in it that all tests share."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.docker_engine import DockerEngine
from core.adapters.endpoint_http import HttpEndpointClient
from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.errors import EngineUnavailable
from tests.contract.endpoint_client import Served
from tests.fakes.clock import FakeClock
from tests.waiting import wait_for

VLLM_IMAGE = "seatrial-lab/vllm-cpu:0.32.0"
START_LIMIT_S = 240.0
"""24 s alone on two cores; a shared machine takes longer."""


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
def vllm_endpoint(engine: DockerEngine, weights: Path, vocabulary_size: int) -> Iterator[Served]:
    """A vLLM that asks for a key, started by the adapter alone."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    served = Served(f"http://127.0.0.1:{port}/v1", "tiny", "sk-of-the-real-tests", 4096, vocabulary_size)
    spec = ContainerSpec(
        name=f"seatrial-real-{port}",
        image=VLLM_IMAGE,
        command=("vllm", "serve", "/weights/tiny", "--served-model-name", "tiny", "--max-model-len", "4096")
        + ("--enforce-eager", "--host", "0.0.0.0", "--port", "8000"),
        mounts=(BindMount(str(weights.parent), "/weights", read_only=True),),
        ports=(PublishedPort(port, 8000, "127.0.0.1"),),
        secret_env={"VLLM_API_KEY": "key"},
        shm_size="1g",
        labels={"seatrial.deployment": f"real-{port}"},
    )
    container = engine.create_or_adopt(spec, {"VLLM_API_KEY": str(served.key)})
    client = HttpEndpointClient(FakeClock())
    try:
        wait_for(lambda: client.is_healthy(served.base_url), START_LIMIT_S, every_s=0.5)
        yield served
    finally:
        engine.remove(container.id, force=True)
