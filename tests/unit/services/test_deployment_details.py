"""One deployment in full; containers of others; short work inside."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.catalog_files import CatalogFolder
from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentState
from core.errors import BadInput, ContainerFailed, ImageMissing, NotAllowed, NotFoundError
from core.ports import ExecResult
from core.services.adoption import AdoptionService
from core.services.catalog import CatalogService
from core.services.containers import ContainerService, read_flags
from core.services.deployment_details import DeploymentDetails
from tests.deployment_world import VIEWER, World, codes
from tests.fakes.engine import FakeProgram
from tests.waiting import wait_for

HELP = "usage: vllm serve [model_tag]\n" + "".join(
    f"  --flag-{n}, -f{n} X  words, as in --flag-{n}.\n" for n in range(30)
)


class Room(World):
    """With what looks at deployments and containers."""

    def __init__(self, store: DatabaseStore, home: Path) -> None:
        super().__init__(store, home)
        self.catalog = CatalogService(CatalogFolder(home / "catalog"), self.clock, {})
        self.details = DeploymentDetails(store, self.engine, self.service, self.catalog, self.clock)
        self.inside = ContainerService(store, self.engine, self.secrets, self.clock)
        self.adoption = AdoptionService(store, self.queue, self.engine, self.catalog, self.secrets, self.clock)

    def stranger(self, *more: str, env: dict[str, str] | None = None) -> str:
        """Somebody else's vLLM; its id."""
        spec = ContainerSpec(
            name="by_hand",
            image="vllm:test",
            command=("vllm", "serve", "/models/tiny", "--served-model-name", "tiny", *more),
            mounts=(BindMount("/srv/models", "/models"),),
            ports=(PublishedPort(8000, 8000),),
            labels={"seatrial.deployment": "for the fake only"},
        )
        view = self.engine.create_or_adopt(spec, env or {})
        container = self.engine._containers[view.id]
        container.view = replace(view, labels={})
        container.spec = replace(spec, labels={}, secret_env=dict.fromkeys(env or {}, ""))
        return view.id


@pytest.fixture
def room(database: DatabaseStore, tmp_path: Path) -> Room:
    return Room(database, tmp_path)


# ---------------------------------------------------------------- one in full


def test_a_ready_one_is_what_was_planned(room: Room) -> None:
    deployment_id = room.ready()
    detail = room.details.detail(deployment_id)
    assert (detail.drift, detail.image_moved, detail.fix, detail.earlier) == ((), False, None, ())
    assert [mark.stage for mark in detail.view.deployment.stages] == ["image", "engine", "ready", "served"]


def test_what_somebody_changed_is_shown(room: Room) -> None:
    deployment_id = room.ready()
    container_id = room.container_id(deployment_id)
    room.engine.actual[container_id] = replace(room.engine.describe(container_id), restart="always", env={"A": "1"})
    room.engine.images["vllm:test"] = "sha256:" + "9" * 64
    detail = room.details.detail(deployment_id)
    assert {one.name for one in detail.drift or ()} == {"--restart", "-e A"}
    assert detail.image_moved


def test_a_failure_with_its_fix_leads_to_a_new_start(room: Room) -> None:
    log = (Path(__file__).parents[2] / "data" / "vllm_fails" / "context-too-long.log").read_text()
    room.engine.programs[("vllm",)] = FakeProgram(tuple(log.splitlines()), 1)
    deployment_id = room.start(serve_args=("--max-model-len", "131072"))
    room.service.step_create(deployment_id)
    with pytest.raises(ContainerFailed):
        room.service.step_wait_ready(deployment_id)
    room.finish_job(deployment_id)
    detail = room.details.detail(deployment_id)
    assert detail.fix is not None
    assert detail.fix.code == "shorter_context"
    assert [view.state.value for view in detail.story.stages][1] == "failed", "the log tells how far it came"
    plan = room.service.plan(detail.fix.request)
    again = room.service.start(LOCAL_OPERATOR, plan).job.deployment_id or ""
    assert room.details.detail(again).earlier[0].id == deployment_id


def test_a_past_request_comes_back(room: Room) -> None:
    deployment_id = room.ready(env=(("A", "1"),))
    stored = room.store.deployments.get(deployment_id)
    room.store.deployments.update(replace(stored, request=replace(stored.request, devices=(3,), overrides=("x",))))  # type: ignore[type-var]
    assert room.details.again(deployment_id).devices == ()
    there = room.details.again(deployment_id, replaces=deployment_id)
    assert (there.devices, there.overrides, there.replaces) == ((3,), (), deployment_id)
    room.store.deployments.update(replace(stored, request=None))
    assert room.details.again(deployment_id).env == (("A", "1"),), "from its container"


def test_two_are_compared(room: Room) -> None:
    first = room.ready()
    second = room.start(container_name="other", host_port=9000)
    names = {one.name for one in room.details.compare(first, second)}
    assert names == {"--name", "-p 8000"}


def test_any_other_deployment_can_be_held_beside_one(room: Room) -> None:
    first, second = room.start(container_name="one"), room.start(container_name="two", host_port=8001)
    detail = room.details.detail(first)
    assert (detail.earlier, [one.id for one in detail.others]) == ((), [second])


# ---------------------------------------------------------------- others


def test_a_strangers_server_is_seen_and_taken_in(room: Room) -> None:
    container_id = room.stranger("--api-key", "sk-own")
    (seen,) = room.adoption.candidates()
    assert (seen.container.name, seen.served_name) == ("by_hand", "tiny")
    assert "sk-own" not in repr(seen)
    deployment_id = room.adoption.adopt(LOCAL_OPERATOR, container_id).job.deployment_id or ""
    assert "sk-own" not in repr(room.store.deployments.get(deployment_id))
    assert room.adoption.candidates() == ()
    with pytest.raises(BadInput, match="not_adoptable"):
        room.adoption.adopt(LOCAL_OPERATOR, container_id)
    assert room.service.step_create(deployment_id)
    room.serve(deployment_id)
    assert room.service.step_wait_ready(deployment_id)
    room.service.step_register_endpoint(deployment_id)
    view = room.service.get(deployment_id)
    assert view.deployment.state is DeploymentState.READY
    assert view.endpoint is not None
    assert view.deployment.adopted


def test_its_key_is_read_from_its_environment(room: Room) -> None:
    container_id = room.stranger(env={"VLLM_API_KEY": "sk-env"})
    room.engine.programs[("printenv", "VLLM_API_KEY")] = FakeProgram(("sk-env",), 0)
    deployment_id = room.adoption.adopt(LOCAL_OPERATOR, container_id).job.deployment_id or ""
    ref = room.store.deployments.get(deployment_id).spec.secret_env["VLLM_API_KEY"]
    assert room.secrets.get(ref) == "sk-env"


def test_letting_go_leaves_it_alive(room: Room) -> None:
    container_id = room.stranger()
    deployment_id = room.adoption.adopt(LOCAL_OPERATOR, container_id).job.deployment_id or ""
    room.finish_job(deployment_id)
    room.service.remove(LOCAL_OPERATOR, deployment_id)
    assert room.engine.get(container_id).state == "running"
    assert [one.container.id for one in room.adoption.candidates()] == [container_id]


def test_a_cancelled_adoption_stops_nothing(room: Room) -> None:
    container_id = room.stranger()
    deployment_id = room.adoption.adopt(LOCAL_OPERATOR, container_id).job.deployment_id or ""
    assert not room.service.step_wait_ready(deployment_id, is_cancelled=lambda: True)
    assert room.engine.get(container_id).state == "running"
    assert room.state(deployment_id) is DeploymentState.REMOVED


def test_viewers_adopt_nothing_and_no_engine_means_no_candidates(room: Room) -> None:
    container_id = room.stranger()
    with pytest.raises(NotAllowed):
        room.adoption.adopt(VIEWER, container_id)
    room.engine.down = "no socket"
    assert room.adoption.candidates() == ()


# ---------------------------------------------------------------- inside


def test_a_command_inside(room: Room) -> None:
    deployment_id = room.ready()
    room.engine.programs[("vllm", "--version")] = FakeProgram(("0.32.0",), 0)
    assert room.inside.run_inside(LOCAL_OPERATOR, deployment_id, "vllm --version").output == "0.32.0\n"
    with pytest.raises(NotAllowed):
        room.inside.run_inside(VIEWER, deployment_id, "vllm --version")
    for text, code in (("", "command_empty"), ("a 'b", "command_unbalanced")):
        with pytest.raises(BadInput, match=code):
            room.inside.run_inside(LOCAL_OPERATOR, deployment_id, text)
    with pytest.raises(NotFoundError):
        room.inside.run_inside(LOCAL_OPERATOR, room.start(container_name="b", host_port=1), "ls")


def test_what_was_run_inside_is_kept_without_keys(room: Room) -> None:
    deployment_id = room.ready()
    key = room.secrets.get(f"deployment/{deployment_id}")
    room.engine.programs[("curl",)] = FakeProgram((), 7)
    room.inside.run_inside(LOCAL_OPERATOR, deployment_id, f"curl -H 'Authorization: Bearer {key}' --api-key abc x")
    room.clock.advance(1)
    room.engine.faults["exec"] = ContainerFailed("container_not_running", name="vllm_service")
    with pytest.raises(ContainerFailed):
        room.inside.run_inside(LOCAL_OPERATOR, deployment_id, "ls /weights")
    unseen, ended = room.inside.commands(deployment_id)
    assert (unseen.words, unseen.exit_code) == (("ls", "/weights"), None)
    assert ended.words == ("curl", "-H", "Authorization: Bearer ***", "--api-key", "***", "x")
    assert (ended.by, ended.exit_code) == (LOCAL_OPERATOR.name, 7)
    assert room.inside.commands("dep-other") == ()


@pytest.mark.parametrize("living", [True, False])
def test_an_earlier_one_is_brought_back_in_place_of_what_runs_or_of_nothing(room: Room, living: bool) -> None:
    first = room.ready(serve_args=("--max-model-len", "1024"), version_label="one")
    room.service.remove(LOCAL_OPERATOR, first)
    second = room.ready(serve_args=("--max-model-len", "2048"), version_label="two")
    if not living:
        room.service.remove(LOCAL_OPERATOR, second)
    request = room.details.again(first, replaces=second if living else None)
    back = room.service.start(LOCAL_OPERATOR, room.service.plan(request)).job.deployment_id or ""
    assert room.service.step_create(back)
    (container,) = room.engine.list()
    assert container.id == room.container_id(back)
    assert room.engine.describe(container.id).command[3:5] == ("--max-model-len", "1024")
    room.serve(back)
    assert room.service.step_wait_ready(back)
    assert room.service.step_register_endpoint(back)
    room.finish_job(back)
    assert [room.state(one) for one in (second, back)] == [DeploymentState.REMOVED, DeploymentState.READY]
    (endpoint,) = room.endpoints.list()
    assert (endpoint.deployment_id, endpoint.version_label) == (back, "one")


def test_an_image_tells_its_flags_once(room: Room) -> None:
    room.engine.programs[("vllm", "serve", "--help=all")] = FakeProgram((HELP,), 0)
    assert room.inside.flags_known("vllm:test") is None
    assert room.inside.ask_flags(LOCAL_OPERATOR, "vllm:test") == 60
    assert "--flag-7" in (room.inside.flags_known("vllm:test") or ())
    room.engine.programs[("vllm", "serve", "--help=all")] = FakeProgram(("no such command",), 127)
    room.engine.images["other:1"] = "sha256:" + "2" * 64
    with pytest.raises(BadInput, match="help_not_understood"):
        room.inside.ask_flags(LOCAL_OPERATOR, "other:1")
    with pytest.raises(ImageMissing):
        room.inside.ask_flags(LOCAL_OPERATOR, "none:1")


def test_an_image_is_asked_by_itself_and_never_again(room: Room) -> None:
    runs = list[str]()
    ask, image_id = room.engine.run_once, room.engine.images["vllm:test"]

    def counted(image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        runs.append(image)
        return ask(image, argv, timeout_s)

    room.engine.run_once = counted  # type: ignore[method-assign]
    room.engine.programs[("vllm", "serve", "--help=all")] = FakeProgram(("no such command",), 127)
    for _ in range(3):
        room.inside.learn_flags(LOCAL_OPERATOR, "vllm:test")
    assert (runs, room.inside.flags_known("vllm:test")) == (["vllm:test"], None)
    assert not room.inside.learn_aside(LOCAL_OPERATOR, "vllm:test", image_id), "one that cannot tell is left alone"
    room.inside.learn_flags(LOCAL_OPERATOR, "none:1")
    with pytest.raises(NotAllowed):
        room.inside.learn_aside(VIEWER, "vllm:test", image_id)


def test_an_image_is_asked_beside_the_page(room: Room) -> None:
    go_on, ask = threading.Event(), room.engine.run_once

    def slow(image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        assert go_on.wait(10)
        return ask(image, argv, timeout_s)

    room.engine.run_once = slow  # type: ignore[method-assign]
    room.engine.programs[("vllm", "serve", "--help=all")] = FakeProgram((HELP,), 0)
    image_id = room.engine.images["vllm:test"]
    assert room.inside.learn_aside(LOCAL_OPERATOR, "vllm:test", image_id)
    assert room.inside.learn_aside(LOCAL_OPERATOR, "vllm:test", image_id), "two pages, one question"
    assert room.inside.is_asking(image_id)
    go_on.set()
    wait_for(lambda: not room.inside.is_asking(image_id))
    assert "--flag-7" in (room.inside.flags_known("vllm:test") or ())
    assert not room.inside.learn_aside(LOCAL_OPERATOR, "vllm:test", image_id)


def test_a_help_that_says_nothing_leaves_the_general_list_the_measure(room: Room) -> None:
    room.store.deployments.save_image_flags(room.engine.images["vllm:test"], ())
    assert ("flag_not_known", "serve_args") in codes(room, serve_args=("--no-such-flag",))


def test_flags_are_read_out_of_sentences() -> None:
    text = "  --max-model-len, --max_model_len N  (see --hf-overrides.)\n  -tp 8, --no-enforce-eager. a-b --x"
    assert read_flags(text) == (
        "--hf-overrides", "--max-model-len", "--max_model_len", "--no-enforce-eager", "--x", "-tp",
    )  # fmt: skip


def test_the_log_is_searched(room: Room) -> None:
    deployment_id = room.ready()
    for line in ("one ERROR", "two", "three error"):
        room.engine.emit(room.container_id(deployment_id), line)
    assert room.service.logs(deployment_id, search="error") == "one ERROR\nthree error"
    assert room.service.logs(deployment_id, 1, search=" error ") == "three error"
