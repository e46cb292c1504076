"""Folders of weights: planned, begun, paused, adopted, forgotten."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from core.adapters.catalog_files import load_catalog
from core.adapters.database.store import DatabaseStore
from core.adapters.host_probe import LocalHostProbe
from core.adapters.simulated_host import SimulatedHostProbe, read_host
from core.adapters.weights_disk import LocalWeightsDisk
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.job import JobKind, JobState
from core.domain.weights import DownloadRequest, RemoteFile, WeightsSource, WeightsState
from core.downloader.task import TOKEN_VARIABLE, Action, DownloadTask
from core.errors import BadInput, NotAllowed, PlanBlocked, RefusedError, ToolFailed
from core.jobs.download import ACTIONS, DownloadWork
from core.services.jobs import JobService
from core.services.weights import WeightsService
from core.settings import read_settings
from tests.fakes.clock import FakeClock
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets
from tests.fakes.tool_runner import FakeToolRunner

FILES = (RemoteFile("config.json", 2, None, "x"), RemoteFile("model.safetensors", 100, "y"))


class World:
    """A real store and folder; queue, child and secrets are fakes."""

    def __init__(self, database: DatabaseStore, home: Path) -> None:
        self.store, self.home, self.clock = database, home, FakeClock()
        self.settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.queue, self.tools, self.secrets = FakeJobQueue(self.clock.now()), FakeToolRunner(), FakeSecrets()
        jobs = JobService(database.jobs, self.queue, self.tools, self.settings, self.clock)
        self.service = WeightsService(
            store=database,
            queue=self.queue,
            jobs=jobs,
            probe=LocalHostProbe(),
            disk=LocalWeightsDisk(),
            secrets=self.secrets,
            settings=self.settings,
            clock=self.clock,
            catalog=load_catalog,
        )
        self.work = DownloadWork(database, self.tools, self.secrets, self.settings, self.clock)
        self.root = home / "weights"

    def begin(self, repo: str = "o/m") -> str:
        """A download's job."""
        plan = self.service.plan(DownloadRequest(WeightsSource.HUGGINGFACE, repo, ""))
        return self.service.start(LOCAL_OPERATOR, plan).job.id

    def put(self, name: str, size: int = 2) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}".ljust(size))

    def pause(self, job_id: str) -> None:
        """A person's click, and what the worker does then."""
        self.service.pause(LOCAL_OPERATOR, self.folder_id(job_id))
        self.work.end(job_id, JobState.CANCELLED)

    def folder_id(self, job_id: str) -> str:
        return self.store.weights.by_job(job_id).id

    def says(self, *events: Mapping[str, object]) -> None:
        """What the next children say."""

        def script(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
            self.told_env = dict(env)
            return [json.dumps(event) for event in events]

        self.tools.script = script


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_download_is_recorded_and_queued_for_its_folder(world: World) -> None:
    job_id = world.begin()
    job, folder = world.store.jobs.get(job_id), world.store.weights.by_job(job_id)
    assert (job.kind, job.server_key, job.steps_total) == (JobKind.DOWNLOAD, f"downloads:{folder.path}", 3)
    assert folder.path == str(world.root / "m")
    assert world.queue.engine[job_id] is JobState.QUEUED
    assert world.service.get(folder.id).state is WeightsState.WAITING


def test_the_same_folder_is_not_filled_twice_at_once(world: World) -> None:
    world.begin()
    with pytest.raises(PlanBlocked) as caught:
        world.begin()
    assert [finding.code for finding in caught.value.findings] == ["download_running"]


def test_what_the_plan_blocks_is_not_begun(world: World) -> None:
    with pytest.raises(PlanBlocked):
        world.begin("no-owner")
    assert world.store.weights.list() == ()


def test_a_viewer_only_looks(world: World) -> None:
    viewer = Actor("eve", Role.VIEWER)
    plan = world.service.plan(DownloadRequest(WeightsSource.HUGGINGFACE, "o/m", ""))
    with pytest.raises(NotAllowed):
        world.service.start(viewer, plan)
    with pytest.raises(NotAllowed):
        world.service.set_token(viewer, WeightsSource.HUGGINGFACE, "t")
    assert world.service.list() == ()


def test_paused_and_gone_on_with(world: World) -> None:
    job_id = world.begin()
    folder_id = world.folder_id(job_id)
    world.service.pause(LOCAL_OPERATOR, folder_id)
    assert world.service.get(folder_id).state is WeightsState.PAUSING
    world.work.end(job_id, JobState.CANCELLED)
    assert world.service.get(folder_id).state is WeightsState.PAUSED
    world.service.resume(LOCAL_OPERATOR, folder_id)
    assert world.service.get(folder_id).state is WeightsState.WAITING


def test_how_much_of_each_file_is_there(world: World) -> None:
    folder_id = world.folder_id(world.begin())
    world.store.weights.set_files(folder_id, FILES, "c1")
    world.put("m/config.json")
    world.put("m/model.safetensors.incomplete", 40)
    found = {file.path: (file.present_bytes, file.is_whole) for file in world.service.files(folder_id)}
    assert found == {"config.json": (2, True), "model.safetensors": (40, False)}
    assert world.service.get(folder_id).present_bytes == 42


def test_deleting_takes_what_came_and_leaves_the_rest(world: World) -> None:
    job_id = world.begin()
    folder_id = world.folder_id(job_id)
    world.store.weights.set_files(folder_id, FILES, "c1")
    for name in ("config.json", "model.safetensors.incomplete", "notes.txt"):
        world.put(f"m/{name}")
    with pytest.raises(RefusedError) as caught:
        world.service.remove(LOCAL_OPERATOR, folder_id, delete_files=True)
    assert caught.value.code == "download_running"
    world.pause(job_id)
    world.service.remove(LOCAL_OPERATOR, folder_id, delete_files=True)
    assert [path.name for path in (world.root / "m").iterdir()] == ["notes.txt"]
    assert world.store.weights.list() == ()


def test_folders_that_are_there_are_found_and_others_are_told_of(world: World, tmp_path: Path) -> None:
    world.put("a/config.json")
    world.put("owner/b/config.json")
    world.put("no-model/readme.md")
    assert sorted(view.name for view in world.service.list()) == ["a", "b"]
    other = tmp_path / "elsewhere" / "c"
    other.mkdir(parents=True)
    with pytest.raises(BadInput) as caught:
        world.service.adopt(LOCAL_OPERATOR, str(other))
    assert caught.value.code == "weights_no_config"
    (other / "config.json").write_text('{"architectures": ["X"], "quantization_config": {"quant_method": "fp8"}}')
    world.service.adopt(LOCAL_OPERATOR, f" {other}/ ")
    view = world.service.list()[0]
    assert (view.name, view.state, view.architecture, view.quantization) == ("c", WeightsState.PRESENT, "X", "fp8")
    with pytest.raises(BadInput) as caught:
        world.service.adopt(LOCAL_OPERATOR, str(other))
    assert caught.value.code == "weights_known"


def test_a_known_model_is_offered_with_its_profile_where_its_devices_are(world: World) -> None:
    world.put("DeepSeek-R1/config.json")
    assert [view.profile for view in world.service.list()] == [None]
    world.service._probe = SimulatedHostProbe(read_host("va16-32"), LocalHostProbe())
    assert [view.profile for view in world.service.list()] == ["deepseek-r1.tp32"]


def test_the_token_goes_to_the_child_by_environment_alone(world: World) -> None:
    world.service.set_token(LOCAL_OPERATOR, WeightsSource.HUGGINGFACE, " hf_secret ")
    assert world.service.has_token(WeightsSource.HUGGINGFACE)
    assert not world.service.has_token(WeightsSource.MODELSCOPE)
    world.service.set_token(LOCAL_OPERATOR, WeightsSource.HUGGINGFACE, "")
    assert not world.service.has_token(WeightsSource.HUGGINGFACE)


# ---------------------------------------------------------------- the worker's side


async def test_each_step_is_a_child_with_what_the_hub_said_before(world: World) -> None:
    world.secrets.put("hub/huggingface", "hf_secret")
    job_id = world.begin()
    assert world.work.begin(job_id) == len(ACTIONS)
    world.says({"event": "listed", "files": [asdict(file) for file in FILES], "commit": "c1"}, {"event": "done"})
    assert await world.work.do(job_id, 0) is None
    assert world.store.weights.by_job(job_id).files == FILES
    assert world.told_env == {TOKEN_VARIABLE: "hf_secret"}
    progress = {"event": "progress", "done": 50, "total": 102, "rate_per_s": 10.0, "eta_s": 5.2, "file": "a"}
    world.says({**progress, "files_done": 1, "files_total": 2}, {"event": "done"})
    assert await world.work.do(job_id, 1) is None
    said = world.store.jobs.progress([job_id])[job_id]
    assert (said.step, said.label, said.done, said.total, said.unit) == (1, "download_fetch", 50, 102, "bytes")
    argv = world.tools.calls[-1]
    assert argv[:3] == [sys.executable, "-m", "core.downloader"]
    task = DownloadTask.from_json(Path(argv[3]).read_text())
    assert (task.action, task.revision, task.files) == (Action.FETCH, "c1", FILES)
    assert "hf_secret" not in Path(argv[3]).read_text()
    assert await world.work.do(job_id, 2) is None
    assert world.store.weights.by_job(job_id).verified_at == world.clock.now()


async def test_a_download_that_goes_on_keeps_to_its_version(world: World) -> None:
    job_id = world.begin()
    world.store.weights.set_files(world.folder_id(job_id), FILES, "c1")
    assert await world.work.do(job_id, 0) is None
    assert world.tools.calls == []


async def test_the_childs_own_word_is_the_reason(world: World) -> None:
    job_id = world.begin()

    def script(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        raise ToolFailed(tool="core.downloader", exit_code=1, detail="")

    world.tools.script = script
    reason = await world.work.do(job_id, 1)
    assert reason is not None
    assert reason.code == "tool_failed"
    world.says({"event": "what?"}, "no event")  # type: ignore[arg-type]
    reason = await world.work.do(job_id, 1)
    assert reason is not None
    assert reason.code == "output_not_understood"
