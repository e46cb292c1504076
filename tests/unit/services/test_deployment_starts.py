"""From a plan to a record, a key, a job and a container."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentPlan, DeploymentRequest, DeploymentState
from core.domain.job import JobKind, JobState
from core.errors import (
    AppError,
    ContainerFailed,
    DeviceTaken,
    NameTaken,
    NotAllowed,
    PlanBlocked,
    PortTaken,
    StalePlan,
    StoreError,
)
from core.formats.deployment import LABEL
from tests.deployment_world import REQUEST, VIEWER, World, codes


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


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


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ({"served_name": "other"}, NameTaken),
        ({"container_name": "other"}, PortTaken),
        ({"container_name": "other", "host_port": 9000}, DeviceTaken),
    ],
)
@pytest.mark.parametrize("reached", ["container", "serves"])
def test_a_first_one_whose_container_appears_meanwhile_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, second: dict[str, Any], error: type[AppError], reached: str
) -> None:
    """Between the second's plan and its record the first is planned, recorded, made, and even ready."""
    on_devices: dict[str, Any] = {"platform": "nvidia-cuda", "devices": (0,)}
    plan_before = world.service._planner.plan
    asked = replace(REQUEST, **on_devices, **second)
    plan = world.service.plan(asked)
    begun: list[str] = []

    def first_comes_between(request: DeploymentRequest, *, fresh: bool = True) -> DeploymentPlan:
        found = plan_before(request, fresh=fresh)
        if not begun and request == plan.request:
            begun.append("now")
            deployment_id = world.ready(**on_devices) if reached == "serves" else world.start(**on_devices)
            if reached == "container":
                world.service.step_create(deployment_id)
        return found

    monkeypatch.setattr(world.service._planner, "plan", first_comes_between)
    with pytest.raises(error):
        world.service.start(LOCAL_OPERATOR, plan)
    assert (len(world.store.deployments.list()), world.engine.created) == (1, 1)


def test_what_is_gone_or_ended_stands_in_nobodys_way(world: World) -> None:
    first = world.ready()
    world.engine.lose(world.container_id(first))
    assert world.start() != first


def test_two_processes_that_deploy_at_once_make_one_deployment(world: World, tmp_path: Path) -> None:
    """As web and shell: each with a store of its own on the same file, so that only the database is between them."""
    stores = [DatabaseStore(f"sqlite:///{tmp_path / 'seatrial.db'}") for _ in range(2)]
    worlds = [World(store, tmp_path) for store in stores]
    plans = [one.service.plan(REQUEST) for one in worlds]
    begin, results = threading.Barrier(2), list[object]()

    def click(index: int) -> None:
        begin.wait(10)
        try:
            results.append(worlds[index].service.start(LOCAL_OPERATOR, plans[index]))
        except (NameTaken, PortTaken, PlanBlocked, StalePlan) as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=click, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(not isinstance(result, Exception) for result in results) == 1, results
    assert len(world.store.deployments.list()) == 1
    for store in stores:
        store.close()


def test_a_start_that_was_cancelled_before_it_began_holds_nothing(world: World) -> None:
    deployment_id = world.start()
    world.store.jobs.finish(
        world.store.deployments.get(deployment_id).job_id or "", JobState.CANCELLED, world.clock.now()
    )
    assert world.state(deployment_id) is DeploymentState.STOPPED
    assert codes(world) == []
    assert world.start() != deployment_id


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
