"""Images: logins, the mirror, a pull and a load as jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.host_probe import LocalHostProbe
from core.adapters.registries import KeptRegistries
from core.adapters.uploads import UploadFolder
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.job import JobKind, JobState
from core.errors import BadInput, EngineError, NotAllowed, RefusedError
from core.jobs.image import ImageWork
from core.services.images import ImageService
from core.settings import read_settings
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets


class World:
    def __init__(self, database: DatabaseStore, home: Path) -> None:
        clock = FakeClock()
        self.store, self.engine, self.secrets = database, FakeEngine(), FakeSecrets()
        self.registries = KeptRegistries(database.preferences, self.secrets)
        self.uploads = UploadFolder(home / "uploads")
        self.images = ImageService(
            self.registries, database.jobs, FakeJobQueue(clock.now()), LocalHostProbe(), self.uploads, clock
        )
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.work = ImageWork(database, self.engine, self.uploads, lambda _: False, settings, clock)


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_login_is_used_for_its_registry_and_its_password_kept_apart(world: World) -> None:
    world.images.save_login(LOCAL_OPERATOR, "https://harbor.local/", " ann ", "s3cret")
    assert world.images.logins() == (("harbor.local", "ann"),)
    assert world.secrets.values == {"registry/harbor.local": "s3cret"}
    login = world.registries.resolve("harbor.local/a/b:c").login
    assert login is not None
    assert (login.user, login.password) == ("ann", "s3cret")
    assert world.registries.resolve("other.local/a/b:c").login is None
    world.images.forget_login(LOCAL_OPERATOR, "harbor.local")
    assert world.registries.resolve("harbor.local/a/b:c").login is None
    assert world.secrets.values == {}


@pytest.mark.parametrize(
    ("registry", "user", "password", "code"),
    [("a b", "u", "p", "registry_bad"), ("", "u", "p", "registry_bad"), ("h.local", "", "p", "login_incomplete")],
)
def test_what_is_no_login(world: World, registry: str, user: str, password: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        world.images.save_login(LOCAL_OPERATOR, registry, user, password)
    assert caught.value.code == code


def test_the_mirror_stands_before_docker_hubs_images(world: World) -> None:
    world.images.set_mirror(LOCAL_OPERATOR, "https://docker.m.local/")
    assert world.images.source_of("vllm/vllm-openai:v1") == (
        "docker.m.local/vllm/vllm-openai:v1",
        "docker.m.local",
        False,
    )
    with pytest.raises(NotAllowed):
        world.images.set_mirror(Actor("eve", Role.VIEWER), "")


async def test_a_pull_is_a_job(world: World) -> None:
    job = world.images.pull(LOCAL_OPERATOR, " vllm:new ").job
    assert (job.kind, job.title, job.server_key) == (JobKind.IMAGE, "vllm:new", "image:pull:vllm:new")
    with pytest.raises(RefusedError):
        world.images.pull(LOCAL_OPERATOR, "vllm:new")
    assert world.work.begin(job.id) == 1
    assert await world.work.do(job.id, 0) is None
    world.work.end(job.id, JobState.DONE)
    assert world.engine.pulled == ["vllm:new"]
    assert world.store.jobs.progress([job.id])[job.id].label == "start_pull"


async def test_a_file_is_loaded_and_a_broken_one_says_why(world: World, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    archive.write_text("ours/vllm:1 ours/vllm:2")
    job = world.images.load(LOCAL_OPERATOR, str(archive)).job
    assert await world.work.do(job.id, 0) is None
    assert {"ours/vllm:1", "ours/vllm:2"} <= set(world.engine.images)
    assert world.store.jobs.progress([job.id])[job.id].done == archive.stat().st_size
    world.engine.faults["load"] = EngineError("image_load_failed", detail="unexpected EOF")
    reason = await world.work.do(job.id, 0)
    assert reason is not None
    assert (reason.code, reason.params["detail"]) == ("image_load_failed", "unexpected EOF")


@pytest.mark.parametrize(("name", "code"), [("none.tar", "archive_missing"), ("image.zip", "archive_bad")])
def test_what_is_no_image_file(world: World, tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "image.zip").write_bytes(b"x")
    with pytest.raises(BadInput) as caught:
        world.images.load(LOCAL_OPERATOR, str(tmp_path / name))
    assert caught.value.code == code


async def test_a_sent_file_lies_on_the_disk_until_it_is_loaded(world: World) -> None:
    upload = world.images.begin_upload(LOCAL_OPERATOR, "image.tar", 10)
    upload.write(b"ours/vllm:3")
    path = Path(upload.finish())
    job = world.images.load(LOCAL_OPERATOR, str(path)).job
    assert await world.work.do(job.id, 0) is None
    assert "ours/vllm:3" in world.engine.images
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["image.zip", "../image.tar", ".image.tar", ""])
def test_what_may_not_be_sent(world: World, name: str) -> None:
    with pytest.raises(BadInput):
        world.images.begin_upload(LOCAL_OPERATOR, name, 10)


def test_there_must_be_room_and_a_role(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        world.images.begin_upload(LOCAL_OPERATOR, "image.tar", 1 << 60)
    assert caught.value.code == "upload_no_room"
    with pytest.raises(NotAllowed):
        world.images.begin_upload(Actor("eve", Role.VIEWER), "image.tar", 10)
