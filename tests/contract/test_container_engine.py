"""What any ContainerEngine does, held against the fake and (marked real) against Docker itself."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.errors import ContainerFailed, EngineError, ImageMissing, NameTaken, NotFoundError, PortTaken
from core.formats.spec_diff import differences
from core.ports import ContainerEngine
from tests.fakes.engine import FakeEngine, FakeProgram
from tests.waiting import wait_for

BASE_IMAGE = "seatrial-lab/python:3.11"
ELSEWHERE_IMAGE = "seatrial-lab/contract:elsewhere"
"""The same with /srv as working directory."""
STAYS = ("sh", "-c", "echo up; exec sleep 300")
ENDS = ("sh", "-c", "echo one; echo two; exit 3")
MISSING = ("no-such-command",)
SAYS = ("sh", "-c", "echo $GREETING; exit 5")
PRINTS = ("sh", "-c", "for n in 1 2 3; do echo line $n; done; exit 4")
WAITS = ("sh", "-c", "echo begun; setsid sleep 300 & exec sleep 300")
PROGRAMS = {
    STAYS: FakeProgram(("up",)),
    ENDS: FakeProgram(("one", "two"), 3),
    MISSING: FakeProgram(exit_code=127),
    SAYS: FakeProgram(("hello",), 5),
    PRINTS: FakeProgram(("line 1", "line 2", "line 3"), 4),
    WAITS: FakeProgram(("begun",)),
}


@dataclass
class Bench:
    """An engine, and specs for it that do not collide with other tests'."""

    engine: ContainerEngine
    folder: str

    def spec(self, command: tuple[str, ...] = STAYS, **changes: object) -> ContainerSpec:
        unique = uuid.uuid4().hex[:12]
        labels = {"seatrial.deployment": unique, "seatrial.test": "contract"}
        spec = ContainerSpec(name=f"contract-{unique}", image=BASE_IMAGE, command=command, labels=labels)
        return replace(spec, **changes)  # type: ignore[arg-type]

    def names(self) -> set[str]:
        return {view.name for view in self.engine.list("seatrial.test=contract")}


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    engine: ContainerEngine
    if request.param == "fake":
        engine = FakeEngine({BASE_IMAGE: "sha256:" + "0" * 64}, PROGRAMS, {str(tmp_path)})
        engine.files["/etc/greeting"] = engine.files["/srv/results/greeting"] = b"hello\n"
        engine.images[ELSEWHERE_IMAGE], engine.working_dirs[ELSEWHERE_IMAGE] = "sha256:" + "1" * 64, "/srv"
    else:
        engine = DockerEngine()
    yield Bench(engine, str(tmp_path))
    for view in engine.list("seatrial.test=contract"):
        engine.remove(view.id, force=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_says_what_it_is(bench: Bench) -> None:
    info = bench.engine.info()
    assert info.id
    assert info.version
    assert info.cpus > 0
    assert info.memory_bytes > 0


def test_an_image_has_a_digest_or_is_absent(bench: Bench) -> None:
    assert str(bench.engine.image_digest(BASE_IMAGE)).startswith("sha256:")
    assert bench.engine.image_digest("seatrial-lab/nothing:none") is None


def test_an_image_tells_what_it_is_and_takes_another_name(bench: Bench) -> None:
    image = bench.engine.image(BASE_IMAGE)
    assert image is not None
    assert (image.id, image.size_bytes > 0) == (bench.engine.image_digest(BASE_IMAGE), True)
    assert image.architecture
    assert bench.engine.image("seatrial-lab/nothing:none") is None
    assert any(BASE_IMAGE in found.names for found in bench.engine.list_images())
    bench.engine.tag(BASE_IMAGE, "seatrial-lab/contract:again")
    assert bench.engine.image_digest("seatrial-lab/contract:again") == image.id
    with pytest.raises(ImageMissing):
        bench.engine.tag("seatrial-lab/nothing:none", "seatrial-lab/contract:none")


def test_creates_once_and_adopts_after_that(bench: Bench) -> None:
    spec = bench.spec(env={"GREETING": "hello"}, ports=(PublishedPort(free_port(), 8000, "127.0.0.1"),))
    first = bench.engine.create_or_adopt(spec, {})
    second = bench.engine.create_or_adopt(spec, {})
    assert (first.id, first.state, first.exit_code) == (second.id, "running", None)
    assert first.ports == spec.ports
    assert first.labels["seatrial.deployment"] == spec.labels["seatrial.deployment"]
    assert bench.names() == {spec.name}


def test_a_missing_image_is_named_and_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(ImageMissing) as caught:
        bench.engine.create_or_adopt(bench.spec(image="seatrial-lab/nothing:none"), {})
    assert caught.value.params["image"] == "seatrial-lab/nothing:none"
    assert bench.names() == set()


def test_a_taken_name_is_named(bench: Bench) -> None:
    first = bench.spec()
    bench.engine.create_or_adopt(first, {})
    with pytest.raises(NameTaken) as caught:
        bench.engine.create_or_adopt(bench.spec(name=first.name), {})
    assert caught.value.params["name"] == first.name


def test_a_taken_port_names_its_holder_and_leaves_nothing(bench: Bench) -> None:
    ports = (PublishedPort(free_port(), 8000, "127.0.0.1"),)
    first = bench.spec(ports=ports)
    bench.engine.create_or_adopt(first, {})
    with pytest.raises(PortTaken) as caught:
        bench.engine.create_or_adopt(bench.spec(ports=ports), {})
    assert caught.value.params == {"port": ports[0].host_port, "owner": first.name}
    assert bench.names() == {first.name}


def test_a_missing_folder_is_named_and_not_made(bench: Bench) -> None:
    missing = f"{bench.folder}/weights"
    with pytest.raises(ContainerFailed) as caught:
        bench.engine.create_or_adopt(bench.spec(mounts=(BindMount(missing, "/weights"),)), {})
    assert (caught.value.code, caught.value.params["path"]) == ("mount_missing", missing)
    assert bench.names() == set()
    assert not Path(missing).exists()


def test_a_missing_command_is_told_and_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(ContainerFailed) as caught:
        bench.engine.create_or_adopt(bench.spec(MISSING), {})
    assert caught.value.code == "container_command_missing"
    assert bench.names() == set()


def test_a_container_that_ends_at_once_shows_its_code_and_its_last_words(bench: Bench) -> None:
    container = bench.engine.create_or_adopt(bench.spec(ENDS), {})
    ended = wait_for(lambda: (view := bench.engine.get(container.id)).state == "exited" and view)
    assert ended.exit_code == 3
    assert bench.engine.logs_tail(container.id) == "one\ntwo\n"
    assert bench.engine.logs_tail(container.id, lines=1) == "two\n"


def test_stop_start_restart_remove(bench: Bench) -> None:
    engine = bench.engine
    container = engine.create_or_adopt(bench.spec(), {})
    engine.stop(container.id, timeout_s=0)
    engine.stop(container.id, timeout_s=0)
    assert engine.get(container.id).state == "exited"
    engine.start(container.id)
    engine.start(container.id)
    started = engine.get(container.id)
    assert started.state == "running"
    with pytest.raises(EngineError):
        engine.remove(container.id)
    engine.remove(container.id, force=True)
    with pytest.raises(NotFoundError) as caught:
        engine.get(container.id)
    assert caught.value.params == {"kind": "container", "id": container.id}


def test_lists_by_label(bench: Bench) -> None:
    spec = bench.spec()
    container = bench.engine.create_or_adopt(spec, {})
    label = f"seatrial.deployment={spec.labels['seatrial.deployment']}"
    assert [view.id for view in bench.engine.list(label)] == [container.id]
    assert bench.engine.list("seatrial.deployment=other") == ()
    assert container.id in {view.id for view in bench.engine.list()}


def test_follows_a_log_to_its_end_and_goes_on_from_a_stamp(bench: Bench) -> None:
    container = bench.engine.create_or_adopt(bench.spec(ENDS), {})
    entries = list(bench.engine.follow_logs(container.id))
    assert [line for _, line in entries] == ["one", "two"]
    assert list(bench.engine.follow_logs(container.id, since=entries[0][0])) == entries[1:]
    assert list(bench.engine.follow_logs(container.id, since=entries[1][0])) == []


def test_runs_a_command_inside(bench: Bench) -> None:
    container = bench.engine.create_or_adopt(bench.spec(), {})
    result = bench.engine.exec(container.id, SAYS, {"GREETING": "hello"})
    assert (result.exit_code, result.output) == (5, "hello\n")


def test_a_stopped_container_runs_nothing(bench: Bench) -> None:
    container = bench.engine.create_or_adopt(bench.spec(), {})
    bench.engine.stop(container.id, timeout_s=0)
    with pytest.raises(ContainerFailed) as caught:
        bench.engine.exec(container.id, SAYS)
    assert caught.value.code == "container_not_running"


def test_a_marked_command_is_read_by_offset_and_never_started_twice(bench: Bench) -> None:
    engine, mark = bench.engine, uuid.uuid4().hex
    container = engine.create_or_adopt(bench.spec(), {})
    assert engine.exec_read(container.id, mark, 0) == (b"", None)
    for _ in range(3):
        engine.exec_start(container.id, PRINTS, mark)
    wait_for(lambda: engine.exec_read(container.id, mark, 0)[1] is not None)
    assert engine.exec_read(container.id, mark, 0) == (b"line 1\nline 2\nline 3\n", 4)
    assert engine.exec_read(container.id, mark, 7) == (b"line 2\nline 3\n", 4)
    assert engine.exec_read(container.id, mark, 999) == (b"", 4)


def test_killing_a_mark_ends_the_command_and_keeps_what_it_said(bench: Bench) -> None:
    engine, mark, other = bench.engine, uuid.uuid4().hex, uuid.uuid4().hex
    container = engine.create_or_adopt(bench.spec(), {})
    for each in (mark, other):
        engine.exec_start(container.id, WAITS, each)
        wait_for(lambda each=each: engine.exec_read(container.id, each, 0)[0] == b"begun\n")
    engine.exec_kill(container.id, mark)
    said, code = engine.exec_read(container.id, mark, 0)
    assert said.startswith(b"begun\n")
    assert code in {137, 143}, "by SIGKILL, or where the shell was quick enough by the SIGTERM before it"
    engine.exec_kill(container.id, mark)
    assert engine.exec_read(container.id, other, 0) == (b"begun\n", None)
    assert engine.get(container.id).state == "running"


def test_a_mark_killed_before_its_start_never_starts(bench: Bench) -> None:
    engine, mark = bench.engine, uuid.uuid4().hex
    container = engine.create_or_adopt(bench.spec(), {})
    engine.exec_kill(container.id, mark)
    engine.exec_start(container.id, WAITS, mark)
    assert engine.exec_read(container.id, mark, 0) == (b"", 137)


def test_reads_a_file(bench: Bench) -> None:
    engine = bench.engine
    command = ("sh", "-c", "echo hello >/etc/greeting; exec sleep 300")
    container = engine.create_or_adopt(bench.spec(command), {})
    wait_for(lambda: engine.exec(container.id, ("test", "-s", "/etc/greeting")).exit_code == 0)
    assert engine.read_file(container.id, "/etc/greeting") == b"hello\n"
    with pytest.raises(NotFoundError) as caught:
        engine.read_file(container.id, "/etc/nothing")
    assert caught.value.params == {"kind": "file", "id": "/etc/nothing"}


@pytest.fixture
def elsewhere(bench: Bench) -> Iterator[str]:
    """An image whose commands do not run in ``/``."""
    if isinstance(bench.engine, DockerEngine):
        made = docker.from_env().containers.create(BASE_IMAGE, "true")
        made.commit(*ELSEWHERE_IMAGE.split(":"), changes="WORKDIR /srv")
        made.remove()
    yield ELSEWHERE_IMAGE
    if isinstance(bench.engine, DockerEngine):
        docker.from_env().images.remove(ELSEWHERE_IMAGE, force=True)


def test_reads_a_relative_path_where_commands_run(bench: Bench, elsewhere: str) -> None:
    command = ("sh", "-c", "mkdir -p results && echo hello >results/greeting; exec sleep 300")
    container = bench.engine.create_or_adopt(bench.spec(command, image=elsewhere), {})
    wait_for(lambda: bench.engine.exec(container.id, ("test", "-s", "results/greeting")).exit_code == 0)
    for path in ("./results/greeting", "results/greeting", "/srv/results/greeting"):
        assert bench.engine.read_file(container.id, path) == b"hello\n"
    with pytest.raises(NotFoundError) as caught:
        bench.engine.read_file(container.id, "greeting")
    assert caught.value.params == {"kind": "file", "id": "greeting"}


def test_what_is_gone_is_not_found(bench: Bench) -> None:
    for call in (bench.engine.get, bench.engine.start, bench.engine.stop, bench.engine.restart, bench.engine.remove):
        with pytest.raises(NotFoundError):
            call("f" * 64)


def test_describes_what_it_started(bench: Bench) -> None:
    port = free_port()
    spec = bench.spec(
        env={"GREETING": "hello"},
        mounts=(BindMount(bench.folder, "/data", read_only=True),),
        ports=(PublishedPort(port, 8000, "127.0.0.1"),),
        shm_size="128m",
        ipc="host",
        restart="unless-stopped",
        privileged=True,
        secret_env={"VLLM_API_KEY": "ref"},
    )
    created = bench.engine.create_or_adopt(spec, {"VLLM_API_KEY": "sk-not-to-be-told"})
    found = bench.engine.describe(created.id)
    assert differences(spec, found) == ()
    assert "sk-not-to-be-told" not in repr(found)


def test_runs_a_command_in_a_container_of_its_own(bench: Bench) -> None:
    before = len(bench.engine.list())
    result = bench.engine.run_once(BASE_IMAGE, PRINTS)
    assert (result.exit_code, result.output) == (4, "line 1\nline 2\nline 3\n")
    assert len(bench.engine.list()) == before
    with pytest.raises(ImageMissing):
        bench.engine.run_once("seatrial-lab/no-such:1", PRINTS)
