"""Deployments from the plan to the end, over a real database; engine, host and servers are fakes."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.processes import LocalToolRunner
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentRequest, DeploymentState
from core.domain.endpoint import Origin
from core.domain.job import JobKind, JobState, Progress, Reason
from core.errors import (
    ContainerFailed,
    EndpointError,
    EngineUnavailable,
    NameTaken,
    NotAllowed,
    NotFoundError,
    PlanBlocked,
    PortTaken,
    Rejected,
    ServerBusy,
    StalePlan,
    StoreError,
)
from core.formats.deployment import LABEL, container_spec
from core.ports import EngineInfo
from core.services.deployments import DeploymentService
from core.services.endpoints import EndpointService
from core.services.jobs import JobService
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import FakeHostProbe
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets

URL = "http://127.0.0.1:8000/v1"
FOLDER = "/srv/models/tiny"
FILES = {
    f"{FOLDER}/{name}": content
    for name, content in {"config.json": {}, "tokenizer.json": {}, "model.safetensors": b""}.items()
}
REQUEST = DeploymentRequest(image="vllm:test", weights=FOLDER, served_name="tiny")
VIEWER = Actor("lea", Role.VIEWER)
DATA = Path(__file__).parents[2] / "data"


class World:
    """The service, with an engine that has the image and a host that has the weights. ``on_sleep`` is called at each
    wait instead of sleeping: the world goes on there."""

    def __init__(self, store: DatabaseStore, home: Path) -> None:
        self.store = store
        self.clock = FakeClock()
        self.queue = FakeJobQueue(self.clock.now())
        self.engine = FakeEngine()
        self.probe = FakeHostProbe(FILES)
        self.secrets = FakeSecrets()
        self.client = FakeEndpointClient(self.clock)
        self.sleeps: list[Callable[[], None]] = []
        self.reports: list[Progress] = []
        self.endpoints = EndpointService(store.endpoints, self.client, self.secrets, self.clock)
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        tools = LocalToolRunner(settings.locks)
        self.jobs = JobService(store.jobs, self.queue, tools, settings, self.clock)
        self.service = DeploymentService(
            store=store,
            queue=self.queue,
            engine=self.engine,
            endpoints=self.endpoints,
            jobs=self.jobs,
            client=self.client,
            secrets=self.secrets,
            clock=self.clock,
            probe=self.probe,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.queue.worker_at = self.clock.now()
        if not self.sleeps:
            raise AssertionError("the world stands still")
        self.sleeps.pop(0)()

    def start(self, **changes: Any) -> str:
        """A recorded deployment's id."""
        plan = self.service.plan(replace(REQUEST, **changes))
        view = self.service.start(LOCAL_OPERATOR, plan)
        return view.job.deployment_id or ""

    def serve(self, deployment_id: str, **changes: Any) -> None:
        """The server in the container answers."""
        ref = self.store.deployments.get(deployment_id).spec.secret_env.get("VLLM_API_KEY", "")
        self.client.servers[URL] = FakeServer(key=self.secrets.get(ref), **changes)

    def finish_job(self, deployment_id: str) -> None:
        job_id = self.store.deployments.get(deployment_id).job_id or ""
        self.store.jobs.finish(job_id, JobState.DONE, self.clock.now())
        self.queue.engine[job_id] = JobState.DONE

    def ready(self, **changes: Any) -> str:
        """A deployment that serves, with its endpoint; its id."""
        deployment_id = self.start(**changes)
        self.service.step_create(deployment_id)
        self.serve(deployment_id)
        assert self.service.step_wait_ready(deployment_id)
        self.service.step_register_endpoint(deployment_id)
        self.finish_job(deployment_id)
        return deployment_id

    def container_id(self, deployment_id: str) -> str:
        return self.store.deployments.get(deployment_id).container_id or ""

    def state(self, deployment_id: str) -> DeploymentState:
        return self.service.get(deployment_id).deployment.state

    def change_container(self, deployment_id: str, **changes: Any) -> None:
        """As the engine would tell it."""
        container = self.engine._containers[self.container_id(deployment_id)]
        container.view = dataclasses.replace(container.view, **changes)

    def foreign(self, name: str, port: int) -> None:
        """Somebody else's container."""
        asked = replace(REQUEST, container_name=name, host_port=port, with_key=False)
        self.engine.create_or_adopt(container_spec(asked, "foreign"), {})

    def benchmark(self, endpoint_server_key: str, job_id: str = "job-bench") -> None:
        """Something measures there."""
        job = samples.job(id=job_id, server_key=endpoint_server_key, run_id=None, title="tiny sweep")
        self.store.jobs.add(job)
        self.store.jobs.mark_started(job_id, self.clock.now())
        self.queue.engine[job_id] = JobState.RUNNING


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def codes(world: World, **changes: Any) -> list[tuple[str, str | None]]:
    return [(found.code, found.field) for found in world.service.plan(replace(REQUEST, **changes)).findings]


# ---------------------------------------------------------------- plans


def test_a_plan_shows_what_will_run_and_changes_nothing(world: World) -> None:
    version = world.store.data_version()
    plan = world.service.plan(REQUEST)
    assert plan.findings == ()
    assert "vllm serve /weights/tiny" in plan.docker_run
    assert "-e VLLM_API_KEY" in plan.added
    assert plan.compose.startswith("services:")
    assert plan.fingerprint == world.service.plan(REQUEST).fingerprint
    assert (world.store.data_version(), world.engine.created, world.secrets.values) == (version, 0, {})


def test_blanks_of_copied_text_are_forgiven(world: World) -> None:
    pasted = replace(
        REQUEST, image=" vllm:test\n", weights=f" {FOLDER}/ ", served_name=" tiny ", shm_size="", host_ip=" "
    )
    assert world.service.plan(pasted).spec == world.service.plan(REQUEST).spec


def test_a_port_taken_by_a_container_names_it(world: World) -> None:
    world.foreign("web", 8000)
    (finding,) = world.service.plan(REQUEST).findings
    assert (finding.code, finding.field, finding.params) == (
        "port_taken",
        "host_port",
        {"port": 8000, "owner": "web"},
    )


def test_a_stopped_container_leaves_its_port(world: World) -> None:
    world.foreign("web", 8000)
    world.engine.exit(world.engine.list()[0].id, 0)
    assert codes(world) == []


@pytest.mark.parametrize(("owner", "code"), [("python3 (17)", "port_taken"), ("", "port_in_use")])
def test_a_port_taken_by_a_process(world: World, owner: str, code: str) -> None:
    world.probe.ports[8000] = owner
    assert codes(world) == [(code, "host_port")]
    world.probe.sees_host = False
    assert (code, "host_port") not in codes(world)


def test_a_taken_name(world: World) -> None:
    world.foreign("vllm_service", 9000)
    assert codes(world) == [("name_taken", "container_name")]


def test_an_image_that_is_not_here_is_pulled_and_said_to_be(world: World) -> None:
    assert codes(world, image="vllm:other") == [("image_will_be_pulled", "image")]


def test_without_an_engine_the_rest_is_still_judged(world: World) -> None:
    world.engine.down = "no socket"
    assert codes(world, served_name="") == [("served_name_empty", "served_name"), ("engine_unavailable", None)]
    state = world.service.engine_state()
    assert isinstance(state, Reason)
    assert (state.code, state.params["detail"]) == ("engine_unavailable", "no socket")
    world.engine.down = None
    assert isinstance(world.service.engine_state(), EngineInfo)


def test_weights_that_are_not_there(world: World) -> None:
    assert codes(world, weights="/srv/models/none") == [("weights_missing", "weights")]


# ---------------------------------------------------------------- starting


def test_a_start_records_and_queues(world: World) -> None:
    view = world.service.start(LOCAL_OPERATOR, world.service.plan(REQUEST))
    deployment = world.store.deployments.get(view.job.deployment_id or "")
    assert (view.state, view.job.kind, view.job.title) == (JobState.QUEUED, JobKind.DEPLOYMENT, "vllm_service · tiny")
    assert (deployment.state, deployment.version_label) == (DeploymentState.PLANNED, "tiny @ vllm:test")
    assert deployment.job_id == view.job.id
    assert world.queue.begun_with[view.job.id][:2] == (JobKind.DEPLOYMENT, f"deployment:{deployment.id}")
    assert world.engine.created == 0


def test_the_key_is_the_services_own_and_stands_nowhere_else(world: World) -> None:
    plan = world.service.plan(REQUEST)
    deployment_id = world.start()
    (key,) = world.secrets.values.values()
    assert len(key) > 40
    world.service.step_create(deployment_id)
    shown = repr((plan, world.store.deployments.list(), world.engine.list()))
    assert key not in shown
    container = world.engine._containers[world.container_id(deployment_id)]
    assert container.secrets == {"VLLM_API_KEY": key}


def test_an_open_service_has_none(world: World) -> None:
    deployment_id = world.start(with_key=False)
    assert world.secrets.values == {}
    assert world.store.deployments.get(deployment_id).spec.secret_env == {}


def test_viewers_start_nothing(world: World) -> None:
    plan = world.service.plan(REQUEST)
    with pytest.raises(NotAllowed):
        world.service.start(VIEWER, plan)
    assert world.store.deployments.list() == ()


def test_a_blocked_plan_is_refused_with_its_findings(world: World) -> None:
    plan = world.service.plan(REQUEST)
    world.foreign("web", 8000)
    with pytest.raises(PlanBlocked) as refused:
        world.service.start(LOCAL_OPERATOR, plan)
    assert [finding.code for finding in refused.value.findings] == ["port_taken"]


def test_a_stale_plan_is_refused(world: World) -> None:
    plan = world.service.plan(REQUEST)
    world.engine.images["vllm:test"] = "sha256:" + "9" * 64
    with pytest.raises(StalePlan):
        world.service.start(LOCAL_OPERATOR, plan)


def test_a_second_click_is_refused_clearly(world: World) -> None:
    plan = world.service.plan(REQUEST)
    world.service.start(LOCAL_OPERATOR, plan)
    with pytest.raises(PlanBlocked) as refused:
        world.service.start(LOCAL_OPERATOR, plan)
    assert {finding.code for finding in refused.value.findings} == {"name_taken", "port_taken"}
    assert len(world.store.deployments.list()) == 1


def test_two_clicks_at_once_make_one_deployment(world: World) -> None:
    plan = world.service.plan(REQUEST)
    other = world.service.plan(replace(REQUEST, served_name="other"))
    begin, results = threading.Barrier(4), list[object]()

    def click(chosen: Any) -> None:
        begin.wait(10)
        try:
            results.append(world.service.start(LOCAL_OPERATOR, chosen))
        except (NameTaken, PortTaken, PlanBlocked, StalePlan) as error:
            results.append(error)

    threads = [threading.Thread(target=click, args=(chosen,)) for chosen in (plan, other, plan, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 4
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert (len(world.store.deployments.list()), len(world.queue.begun_with)) == (1, 1)


def test_a_start_that_was_cancelled_before_it_began_holds_nothing(world: World) -> None:
    deployment_id = world.start()
    world.store.jobs.finish(
        world.store.deployments.get(deployment_id).job_id or "", JobState.CANCELLED, world.clock.now()
    )
    assert world.state(deployment_id) is DeploymentState.STOPPED
    assert codes(world) == []
    assert world.start() != deployment_id


# ---------------------------------------------------------------- the container


def test_a_container_is_made_once(world: World) -> None:
    deployment_id = world.start()
    assert world.service.step_create(deployment_id)
    assert world.service.step_create(deployment_id)
    deployment = world.store.deployments.get(deployment_id)
    assert (world.engine.created, deployment.state) == (1, DeploymentState.LOADING)
    assert deployment.image_digest == "sha256:" + "0" * 64
    assert world.engine.get(deployment.container_id or "").labels == {LABEL: deployment_id}


def test_a_missing_image_is_pulled_first(world: World) -> None:
    deployment_id = world.start(image="vllm:other")
    assert world.service.step_create(deployment_id, world.reports.append)
    assert [(told.label, told.done, told.total, told.unit) for told in world.reports[1:3]] == [
        ("start_pull", 50, 100, "bytes"),
        ("start_pull", 100, 100, "bytes"),
    ]
    assert world.engine.created == 1


def test_a_start_that_is_refused_tells_why(world: World) -> None:
    deployment_id = world.start()
    world.engine.ports_of_others.add(8000)
    with pytest.raises(PortTaken):
        world.service.step_create(deployment_id)
    deployment = world.store.deployments.get(deployment_id)
    assert (deployment.state, deployment.reason_code) == (DeploymentState.FAILED, "port_taken")
    assert dict(deployment.reason_params) == {"port": "8000"}


def test_an_engine_that_is_away_is_waited_for(world: World) -> None:
    deployment_id = world.start()
    world.engine.down = "stopped"
    world.sleeps = [lambda: None, lambda: setattr(world.engine, "down", None)]
    assert world.service.step_create(deployment_id, world.reports.append)
    assert [told.label for told in world.reports][:2] == ["start_away", "start_away"]
    assert world.engine.created == 1


def test_a_lost_key_starts_no_open_server(world: World) -> None:
    deployment_id = world.start()
    world.secrets.values.clear()
    with pytest.raises(StoreError):
        world.service.step_create(deployment_id)
    assert (world.engine.created, world.state(deployment_id)) == (0, DeploymentState.FAILED)


def test_what_a_failed_start_left_makes_room_for_the_next(world: World) -> None:
    first = world.start()
    world.service.step_create(first)
    world.engine.exit(world.container_id(first), 1)
    with pytest.raises(ContainerFailed):
        world.service.step_wait_ready(first)
    world.finish_job(first)
    assert codes(world) == [("container_replaced", "container_name")]
    second = world.start()
    assert world.service.step_create(second)
    assert [found.labels[LABEL] for found in world.engine.list()] == [second]


# ---------------------------------------------------------------- until it serves


def test_it_serves_when_health_and_a_completion_answer(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    container_id = world.container_id(deployment_id)
    shards = "Loading safetensors checkpoint shards:  12% Completed | 20/163 [00:09<01:05]"
    world.sleeps = [
        lambda: world.engine.emit(container_id, shards),
        lambda: world.engine.emit(container_id, "INFO GPU KV cache size: 1,048,576 tokens"),
        lambda: world.serve(deployment_id),
    ]
    assert world.service.step_wait_ready(deployment_id, world.reports.append)
    assert [told.label for told in world.reports] == [
        "start_boot",
        "start_weights",
        "start_kv_cache",
        "start_kv_cache",
        "start_check",
    ]
    assert (world.reports[1].done, world.reports[1].total, world.reports[1].unit) == (20, 163, "shards")
    assert world.state(deployment_id) is DeploymentState.READY


@pytest.mark.parametrize(
    ("log", "exit_code", "oom", "code"),
    [
        ("context-too-long", 1, False, "start_context_too_long"),
        ("no-weights", 1, False, "start_weights_missing"),
        ("unknown-flag", 2, False, "start_unknown_flag"),
        ("cgroup-oom", 137, True, "start_oom_killed"),
        (None, 0, False, "start_ended"),
    ],
)
def test_a_container_that_ended_is_explained(
    world: World, log: str | None, exit_code: int, oom: bool, code: str
) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    container_id = world.container_id(deployment_id)
    for line in (DATA / "vllm_fails" / f"{log}.log").read_text().splitlines() if log else ():
        world.engine.emit(container_id, line)
    world.engine.exit(container_id, exit_code, oom_killed=oom)
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == code
    deployment = world.service.get(deployment_id).deployment
    assert (deployment.state, deployment.reason_code) == (DeploymentState.FAILED, code)


def test_a_container_that_starts_again_and_again_is_stopped(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.emit(world.container_id(deployment_id), "vllm: error: unrecognized arguments: --no-such-flag")
    world.change_container(deployment_id, restart_count=1)
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "start_unknown_flag"
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"


def test_a_container_that_somebody_removed_is_lost(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.lose(world.container_id(deployment_id))
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "container_gone"
    assert world.state(deployment_id) is DeploymentState.LOST


def test_an_engine_that_goes_while_it_loads_changes_nothing(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.down = "restarting"
    world.sleeps = [lambda: setattr(world.engine, "down", None), lambda: world.serve(deployment_id)]
    assert world.service.step_wait_ready(deployment_id, world.reports.append)
    assert world.reports[0].label == "start_away"


def test_a_server_that_cannot_work_is_no_ready_one(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id, served_name="another")
    world.sleeps = [lambda: None, lambda: None]
    with pytest.raises(Rejected) as refused:
        world.service.step_wait_ready(deployment_id)
    assert (refused.value.code, refused.value.params["status"]) == ("start_completion_failed", 404)
    assert world.state(deployment_id) is DeploymentState.FAILED


def test_a_cancelled_start_stops_its_container(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    told: list[bool] = []
    world.sleeps = [lambda: told.append(True)]
    assert not world.service.step_wait_ready(deployment_id, is_cancelled=lambda: bool(told))
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_a_cancelled_pull_makes_no_container(world: World) -> None:
    deployment_id = world.start(image="vllm:other")
    pulling, over = threading.Event(), threading.Event()

    def pull(image: str) -> Iterator[tuple[int, int | None]]:
        pulling.set()
        over.wait(30)
        yield 1, None

    world.engine.pull = pull  # type: ignore[method-assign]
    try:
        assert not world.service.step_create(deployment_id, is_cancelled=pulling.is_set)
    finally:
        over.set()
    assert (world.engine.created, world.state(deployment_id)) == (0, DeploymentState.STOPPED)


def test_a_completion_that_never_comes_does_not_hold_up_a_cancel(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id)
    asked, over = threading.Event(), threading.Event()

    def hang(*_: object) -> str:
        asked.set()
        over.wait(30)
        return ""

    world.client.complete_once = hang  # type: ignore[method-assign]
    try:
        assert not world.service.step_wait_ready(deployment_id, is_cancelled=asked.is_set)
    finally:
        over.set()
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_another_worker_goes_on_where_the_first_died(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    assert world.service.step_create(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    assert (world.engine.created, len(world.endpoints.list())) == (1, 1)


# ---------------------------------------------------------------- the endpoint


def test_the_endpoint_of_a_deployment(world: World) -> None:
    deployment_id = world.ready(version_label="W8A8")
    view = world.service.get(deployment_id)
    endpoint = view.endpoint
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.served_name, endpoint.origin) == (URL, "tiny", Origin.DEPLOYED)
    assert endpoint.server_key == f"container:{world.engine.info().id}/{world.container_id(deployment_id)}"
    assert (endpoint.version_label, endpoint.version_verified) == ("W8A8", True)
    assert world.endpoints.key_of(endpoint) == world.secrets.get(f"deployment/{deployment_id}")
    assert view.busy is None


def test_an_endpoint_that_does_not_answer_fails_the_step(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    with pytest.raises(EndpointError) as refused:
        world.service.step_register_endpoint(deployment_id)
    assert refused.value.code == "endpoint_refused"
    assert world.state(deployment_id) is DeploymentState.FAILED


# ---------------------------------------------------------------- what is there


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("running", DeploymentState.READY),
        ("restarting", DeploymentState.LOADING),
        ("exited", DeploymentState.FAILED),
    ],
)
def test_the_engines_word_goes_before_ours(world: World, state: str, expected: DeploymentState) -> None:
    deployment_id = world.ready()
    world.change_container(deployment_id, state=state, exit_code=3)
    assert world.state(deployment_id) is expected
    assert world.store.deployments.get(deployment_id).state is DeploymentState.READY


def test_a_container_started_by_hand_is_loading(world: World) -> None:
    deployment_id = world.ready()
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.STOPPED
    world.engine.start(world.container_id(deployment_id))
    assert world.state(deployment_id) is DeploymentState.LOADING


def test_a_list_without_an_engine_tells_the_last_word(world: World) -> None:
    deployment_id = world.ready()
    world.engine.down = "stopped"
    (view,) = world.service.list()
    assert (view.deployment.state, view.container, view.engine_known) == (DeploymentState.READY, None, False)
    world.engine.down = None
    world.engine.lose(world.container_id(deployment_id))
    (view,) = world.service.list()
    assert (view.deployment.state, view.engine_known) == (DeploymentState.LOST, True)
    assert world.service.list(include_ended=False) == ()
    assert world.service.logs(deployment_id) == ""


def test_the_log(world: World) -> None:
    deployment_id = world.start()
    assert world.service.logs(deployment_id) == ""
    world.service.step_create(deployment_id)
    world.engine.emit(world.container_id(deployment_id), "hello")
    assert world.service.logs(deployment_id, 1) == "hello\n"
    with pytest.raises(NotFoundError):
        world.service.logs("dep-none")


# ---------------------------------------------------------------- stopping, restarting, removing


VERBS = ("stop", "restart", "remove")


@pytest.mark.parametrize("verb", VERBS)
def test_viewers_change_nothing(world: World, verb: str) -> None:
    deployment_id = world.ready()
    with pytest.raises(NotAllowed):
        getattr(world.service, verb)(VIEWER, deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY


@pytest.mark.parametrize("verb", VERBS)
def test_what_runs_on_a_server_is_named_and_not_disturbed(world: World, verb: str) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key)
    with pytest.raises(ServerBusy) as refused:
        getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id)
    assert refused.value.params == {"job_id": "job-bench", "title": "tiny sweep"}
    assert world.engine.get(world.container_id(deployment_id)).state == "running"


@pytest.mark.parametrize("verb", VERBS)
def test_what_runs_is_cancelled_first_when_asked(world: World, verb: str) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key, "job-1")
    world.benchmark(endpoint.server_key, "job-2")

    def ended(job_id: str) -> Callable[[], None]:
        return lambda: world.store.jobs.finish(job_id, JobState.CANCELLED, world.clock.now())

    world.sleeps = [ended("job-1"), ended("job-2")]
    getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id, cancel_jobs=True)
    assert {world.queue.engine["job-1"], world.queue.engine["job-2"]} == {JobState.CANCELLED}
    assert world.sleeps == []


def test_what_will_not_end_is_named_again(world: World) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key)
    world.sleeps = [lambda: None] * 1000
    with pytest.raises(ServerBusy):
        world.service.stop(LOCAL_OPERATOR, deployment_id, cancel_jobs=True)


def test_a_start_under_way_is_something_that_runs(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    with pytest.raises(ServerBusy) as refused:
        world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert refused.value.params["title"] == "vllm_service · tiny"


def test_stop(world: World) -> None:
    deployment_id = world.ready()
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_a_stopped_one_keeps_its_name_and_gives_its_port(world: World) -> None:
    world.service.stop(LOCAL_OPERATOR, world.ready())
    assert codes(world) == [("name_taken", "container_name")]


def test_restart_waits_until_it_serves_again(world: World) -> None:
    deployment_id = world.ready()
    container_id = world.container_id(deployment_id)
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    view = world.service.restart(LOCAL_OPERATOR, deployment_id)
    assert (view.job.deployment_id, view.state) == (deployment_id, JobState.QUEUED)
    assert view.job.server_key == f"container:{world.engine.info().id}/{container_id}"
    assert world.engine.get(container_id).state == "running"
    assert world.service.step_create(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    assert (world.engine.created, world.state(deployment_id)) == (1, DeploymentState.READY)


def test_restart_makes_a_lost_container_again(world: World) -> None:
    deployment_id = world.ready()
    world.engine.lose(world.container_id(deployment_id))
    view = world.service.restart(LOCAL_OPERATOR, deployment_id)
    assert view.job.server_key == f"deployment:{deployment_id}"
    assert world.service.step_create(deployment_id)
    assert world.engine.created == 2
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    assert endpoint.server_key.endswith(world.container_id(deployment_id))


def test_remove_tidies_up_and_keeps_the_history(world: World) -> None:
    deployment_id = world.ready()
    world.service.remove(LOCAL_OPERATOR, deployment_id)
    assert world.engine.list() == ()
    assert world.state(deployment_id) is DeploymentState.REMOVED
    assert world.endpoints.list() == ()
    assert f"deployment/{deployment_id}" not in world.secrets.values
    assert codes(world) == []
    with pytest.raises(NotFoundError):
        world.service.restart(LOCAL_OPERATOR, deployment_id)
    with pytest.raises(NotFoundError):
        world.service.step_create(deployment_id)


def test_removing_an_old_one_leaves_the_endpoint_of_the_new(world: World) -> None:
    old = world.ready()
    world.service.stop(LOCAL_OPERATOR, old)
    world.client.servers.clear()
    new = world.ready(container_name="vllm_next")
    world.service.remove(LOCAL_OPERATOR, old)
    (endpoint,) = world.endpoints.list()
    assert endpoint.deployment_id == new
    assert world.service.get(old).endpoint is None


@pytest.mark.parametrize("verb", VERBS)
def test_without_an_engine_nothing_is_claimed(world: World, verb: str) -> None:
    deployment_id = world.ready()
    world.engine.down = "stopped"
    with pytest.raises(EngineUnavailable):
        getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id)
    assert world.store.deployments.get(deployment_id).state is DeploymentState.READY


def test_a_container_that_is_gone_can_still_be_removed_and_stopped(world: World) -> None:
    deployment_id = world.ready()
    world.engine.lose(world.container_id(deployment_id))
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.LOST
    world.service.remove(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.REMOVED


def test_where_the_server_is_reached() -> None:
    from core.services.deployment_steps import base_url

    def at(**changes: Any) -> str:
        spec: ContainerSpec = container_spec(replace(REQUEST, **changes), "dep-1")
        return base_url(spec)

    assert at() == "http://127.0.0.1:8000/v1"
    assert at(host_ip="0.0.0.0", host_port=9000) == "http://127.0.0.1:9000/v1"
    assert at(host_ip="10.0.0.5") == "http://10.0.0.5:8000/v1"
    assert at(host_ip="::1") == "http://[::1]:8000/v1"
