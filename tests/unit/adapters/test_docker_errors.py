"""Docker's answers, as recorded from engines 20.10 to 28, in Seatrial's words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest
import requests

from core.adapters.docker_engine import DockerEngine
from core.adapters.docker_errors import docker_errors
from core.errors import AppError, EngineError, EngineUnavailable

RUNTIME = "OCI runtime create failed: container_linux.go:380: starting container process caused: "
ANSWERS = [
    (404, "No such image: vllm:none", "image_missing", {"image": "img"}),
    (404, "pull access denied for vllm, repository does not exist", "registry_denied", {"image": "img"}),
    (404, "No such container: 5f", "not_found", {"kind": "container", "id": "me"}),
    (404, "network lab not found", "not_found", {"kind": "network", "id": "lab"}),
    (409, 'Conflict. The container name "/x" is already in use by container "5f". Remove', "name_taken", {"name": "x"}),
    (409, 'Conflict. The name "/x" is already in use by container 5f. You have to', "name_taken", {"name": "x"}),
    (409, "Container 5f is not running", "container_not_running", {"name": "me"}),
    (500, "driver failed programming external connectivity on endpoint x (5f): Bind for 127.0.0.1:8000 failed: "
          "port is already allocated", "port_taken", {"port": 8000, "owner": None}),
    (500, "driver failed programming external connectivity on endpoint x (5f): Error starting userland proxy: "
          "listen tcp4 0.0.0.0:8001: bind: address already in use", "port_taken", {"port": 8001, "owner": None}),
    (500, "failed to set up container networking: driver failed programming external connectivity on endpoint x (5f): "
          "failed to bind host port 0.0.0.0:8002/tcp: address already in use", "port_taken", {"port": 8002}),
    (500, "Ports are not available: exposing port TCP 0.0.0.0:8003 -> 0.0.0.0:0: listen tcp 0.0.0.0:8003: bind: "
          "address already in use", "port_taken", {"port": 8003}),
    (500, "Ports are not available: listen tcp [::1]:8004: bind: address already in use", "port_taken", {"port": 8004}),
    (400, 'invalid mount config for type "bind": bind source path does not exist: /w/x', "mount_missing",
     {"path": "/w/x"}),
    (400, RUNTIME + 'exec: "nope": executable file not found in $PATH: unknown', "container_command_missing", {}),
    (400, "No command specified", "container_command_missing", {}),
    (400, "Unknown runtime specified nvidia", "device_missing", {}),
    (400, "unknown or invalid runtime name: nvidia", "device_missing", {}),
    (500, 'could not select device driver "" with capabilities: [[gpu]]', "device_missing", {}),
    (500, 'error gathering device information while adding custom device "/dev/x": no such file', "device_missing", {}),
    (409, "You cannot remove a running container 5f. Stop the container before", "engine_error", {}),
    (400, "invalid reference format", "engine_error", {"detail": "invalid reference format"}),
    (500, "something new", "engine_error", {"detail": "something new"}),
]  # fmt: skip


def api_error(status: int, message: str) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    kind = docker.errors.ImageNotFound if "No such image" in message else docker.errors.APIError
    if status == 404 and kind is docker.errors.APIError:
        kind = docker.errors.NotFound
    return kind(f"{status} Error", response=response, explanation=message)


@pytest.mark.parametrize(("status", "message", "code", "params"), ANSWERS)
def test_an_answer_has_a_code_and_its_values(status: int, message: str, code: str, params: dict[str, object]) -> None:
    with pytest.raises(AppError) as caught, docker_errors("me", "img"):
        raise api_error(status, message)
    assert caught.value.code == code
    assert params.items() <= caught.value.params.items()


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("('Connection aborted.', FileNotFoundError(2))"),
        requests.exceptions.ReadTimeout("Read timed out. (read timeout=15)"),
        requests.exceptions.ChunkedEncodingError("Response ended prematurely"),
        ConnectionResetError("Connection reset by peer"),
    ],
)
def test_a_lost_connection_is_an_absent_engine(error: Exception) -> None:
    with pytest.raises(EngineUnavailable), docker_errors("me"):
        raise error


def test_a_refused_value_is_no_absent_engine() -> None:
    with pytest.raises(EngineError) as caught, docker_errors("me"):
        raise docker.errors.DockerException("The specified value for memory (16gib) should specify the units")
    assert caught.value.code == "engine_error"


@pytest.fixture
def silent_engine(tmp_path: Path) -> Iterator[str]:
    """A socket that accepts and never answers."""
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]), daemon=True)
        thread.start()
        yield f"unix://{path}"
        thread.join(5)
        for connection in accepted:
            connection.close()


def test_an_engine_that_hangs_is_given_up(silent_engine: str) -> None:
    engine = DockerEngine(silent_engine, quick_s=1)
    with pytest.raises(EngineUnavailable) as caught:
        engine.info()
    assert "timed out" in str(caught.value.params["detail"]).lower()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("unix:///nowhere/docker.sock", "No such file or directory"),
        ("tcp://127.0.0.1:9", "Connection refused"),
        ("nonsense", "Invalid bind address format: port is required: nonsense"),
    ],
)
def test_no_engine_is_one_clear_error_in_the_systems_words(address: str, said: str) -> None:
    engine = DockerEngine(address)
    for call in (engine.info, engine.list, lambda: engine.get("x"), lambda: engine.image_digest("x")):
        with pytest.raises(EngineUnavailable) as caught:
            call()
        assert caught.value.params["detail"] == said
