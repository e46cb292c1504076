"""What only a real engine does: cut connections, long lines, half-done starts, crash loops, ports of other programs."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.container import ContainerSpec, PublishedPort
from core.errors import AppError, ContainerFailed, EngineUnavailable, PortTaken
from core.formats.docker_sdk import create_kwargs
from tests.contract.test_container_engine import BASE_IMAGE, STAYS
from tests.real.cutting import CuttingProxy, cutting_proxy
from tests.waiting import wait_for

pytestmark = pytest.mark.real
LABEL = "seatrial.test=engine"


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine()
    yield engine
    for view in engine.list(LABEL):
        engine.remove(view.id, force=True)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[CuttingProxy]:
    with cutting_proxy(tmp_path) as proxy:
        yield proxy


def spec(*command: str, **changes: object) -> ContainerSpec:
    unique = uuid.uuid4().hex[:12]
    labels = {"seatrial.deployment": unique, "seatrial.test": "engine"}
    return ContainerSpec(name=f"engine-{unique}", image=BASE_IMAGE, command=command, labels=labels, **changes)  # type: ignore[arg-type]


def test_cut_connections_lose_and_repeat_no_line(engine: DockerEngine, proxy: CuttingProxy) -> None:
    script = "n=0; while [ $n -lt 600 ]; do n=$((n+1)); echo line $n; [ $((n % 3)) = 0 ] && echo error $n >&2; "
    script += "[ $((n % 10)) = 0 ] && sleep 0.05; done"
    container = engine.create_or_adopt(spec("sh", "-c", script), {})
    lines: list[str] = []
    follower = threading.Thread(
        target=lambda: lines.extend(line for _, line in DockerEngine(proxy.address).follow_logs(container.id))
    )
    follower.start()
    for _ in range(5):
        follower.join(0.4)
        assert follower.is_alive(), "the log ended before it was cut"
        proxy.cut()
    follower.join(30)
    assert [line for line in lines if line.startswith("line")] == [f"line {n}" for n in range(1, 601)]
    assert sorted(line for line in lines if line.startswith("error")) == sorted(f"error {n}" for n in range(3, 601, 3))


def test_a_long_line_is_one_line(engine: DockerEngine) -> None:
    script = "python3 -c \"print('x' * 100000); print('short')\""
    container = engine.create_or_adopt(spec("sh", "-c", script), {})
    assert [len(line) for _, line in engine.follow_logs(container.id)] == [100_000, 5]


def test_following_goes_on_through_restarts_of_a_policy(engine: DockerEngine) -> None:
    container = engine.create_or_adopt(spec("sh", "-c", "echo up; sleep 0.3; exit 1", restart="on-failure:2"), {})
    assert [line for _, line in engine.follow_logs(container.id)] == ["up", "up", "up"]
    assert engine.get(container.id).restart_count == 2


def test_a_container_created_and_never_started_is_adopted(engine: DockerEngine) -> None:
    wanted = spec(*STAYS)
    left = docker.from_env().containers.create(**create_kwargs(wanted, {}))
    adopted = engine.create_or_adopt(wanted, {})
    assert (adopted.id, adopted.state) == (left.id, "running")


def test_a_port_of_another_program_is_named(engine: DockerEngine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with pytest.raises(PortTaken) as caught:
            engine.create_or_adopt(spec(*STAYS, ports=(PublishedPort(port, 8000, "127.0.0.1"),)), {})
    assert caught.value.params == {"port": port, "owner": None}
    assert engine.list(LABEL) == ()


def test_a_crash_loop_is_counted(engine: DockerEngine) -> None:
    container = engine.create_or_adopt(spec("sh", "-c", "exit 3", restart="unless-stopped"), {})
    view = wait_for(lambda: (now := engine.get(container.id)).restart_count >= 2 and now)
    assert view.state in {"restarting", "running"}


def test_a_device_that_is_not_here_is_told(engine: DockerEngine) -> None:
    for changes in ({"gpus": "all"}, {"runtime": "nvidia"}, {"devices": ("/dev/no-such-device",)}):
        with pytest.raises(ContainerFailed) as caught:
            engine.create_or_adopt(spec(*STAYS, **changes), {})
        assert caught.value.code == "device_missing", changes
    assert engine.list(LABEL) == ()


def test_a_privileged_container_runs_commands(engine: DockerEngine) -> None:
    container = engine.create_or_adopt(spec(*STAYS, privileged=True, shm_size="64m", ipc="host"), {})
    result = engine.exec(container.id, ("sh", "-c", "grep -c . /proc/self/status >/dev/null && echo inside"))
    assert (result.exit_code, result.output) == (0, "inside\n")


def test_secrets_are_in_the_container_and_not_in_its_view(engine: DockerEngine) -> None:
    wanted = spec(*STAYS, secret_env={"VLLM_API_KEY": "ref"})
    container = engine.create_or_adopt(wanted, {"VLLM_API_KEY": "sk-secret"})
    assert engine.exec(container.id, ("sh", "-c", "echo $VLLM_API_KEY")).output == "sk-secret\n"
    assert "sk-secret" not in repr(container)


def test_a_command_inside_survives_cuts(engine: DockerEngine, proxy: CuttingProxy) -> None:
    through, mark = DockerEngine(proxy.address), uuid.uuid4().hex
    container = engine.create_or_adopt(spec(*STAYS), {})
    script = "n=0; while [ $n -lt 40 ]; do n=$((n+1)); echo line $n; sleep 0.05; done; exit 6"
    through.exec_start(container.id, ("sh", "-c", script), mark)
    output, code, tries = b"", None, 0
    deadline = time.monotonic() + 30
    while code is None and time.monotonic() < deadline:
        tries += 1
        if tries % 3:  # a read may take longer than that: one of three is left alone
            threading.Timer(0.03, proxy.cut).start()
        try:
            data, code = through.exec_read(container.id, mark, len(output))
        except AppError:
            continue
        output += data
    assert (output, code) == ("".join(f"line {n}\n" for n in range(1, 41)).encode(), 6)


def test_an_engine_that_goes_away_and_comes_back(engine: DockerEngine, proxy: CuttingProxy) -> None:
    through = DockerEngine(proxy.address)
    assert through.info().id == engine.info().id
    proxy.down = True
    proxy.cut()
    with pytest.raises(EngineUnavailable):
        through.info()
    proxy.down = False
    assert through.info().id == engine.info().id


def test_stopping_a_container_ends_a_marked_command_and_its_reading(engine: DockerEngine) -> None:
    mark = uuid.uuid4().hex
    container = engine.create_or_adopt(spec(*STAYS), {})
    engine.exec_start(container.id, ("sleep", "300"), mark)
    engine.restart(container.id)
    assert engine.exec_read(container.id, mark, 0) == (b"", 137)
