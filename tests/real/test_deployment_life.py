"""One real vLLM's life: the whole app dies twice while it loads and finds it again; another that somebody else started
is taken in; the first is upgraded, brought back, killed, and comes back by itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.container import ContainerView
from core.domain.deployment import DeploymentRequest, DeploymentState
from core.domain.endpoint import Endpoint, KeyState
from core.domain.finding import blocking
from core.domain.job import JobState
from core.settings import read_settings
from tests.live.servers import children_of, free_port, until
from tests.live.test_up import Running, running
from tests.real.conftest import VLLM_IMAGE
from tests.waiting import wait_for

pytestmark = pytest.mark.real

NEXT_IMAGE = "seatrial-lab/vllm-cpu:next"
START_LIMIT_S = 300.0
FOREIGN_KEY = "sk-of-a-colleague"


@pytest.fixture
def app(engine: DockerEngine, tmp_path: Path) -> Iterator[App]:
    """What a page would hold, whichever processes live. Nothing of it is left."""
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    engine.tag(VLLM_IMAGE, NEXT_IMAGE)
    yield app
    for deployment in app.store.deployments.list():
        for view in engine.list(f"seatrial.deployment={deployment.id}"):
            engine.remove(view.id, force=True)
    docker.from_env().images.remove(NEXT_IMAGE)  # the name alone


@pytest.fixture
def foreign(engine: DockerEngine, weights: Path) -> Iterator[str]:
    """A container as a colleague starts it; its name."""
    port = free_port()
    name = f"foreign-{port}"
    command = ["docker", "run", "-d", "--name", name, "--privileged", "--ipc", "host", "-p", f"127.0.0.1:{port}:8000"]
    command += ["-e", f"VLLM_API_KEY={FOREIGN_KEY}", "-v", f"{weights.parent}:/weights", VLLM_IMAGE]
    command += ["vllm", "serve", f"/weights/{weights.name}", "--max-model-len", "2048", "--enforce-eager"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    yield name
    for view in engine.list():
        if view.name == name:
            engine.remove(view.id, force=True)


@dataclass(frozen=True)
class Served:
    """A deployment that works."""

    id: str
    container: ContainerView
    endpoint: Endpoint


def start(app: App, request: DeploymentRequest) -> tuple[str, str]:
    """As the form does it: the deployment and its job."""
    plan = app.deployments.plan(request)
    assert blocking(plan.findings) == ()
    view = app.deployments.start(LOCAL_OPERATOR, plan)
    return str(view.job.deployment_id), view.job.id


def served(app: App, deployment_id: str, job_id: str) -> Served:
    def look() -> bool:
        view = app.jobs.view(job_id)
        assert view.state is JobState.DONE or not view.state.is_finished, view.job.reason
        return view.state is JobState.DONE

    wait_for(look, START_LIMIT_S, every_s=0.2)
    view = app.deployments.get(deployment_id)
    assert view.deployment.state is DeploymentState.READY
    assert view.container is not None and view.endpoint is not None and view.endpoint.check is not None
    assert (view.endpoint.check.usable, view.endpoint.check.key_state) == (True, KeyState.ACCEPTED)
    return Served(deployment_id, view.container, view.endpoint)


def die(started: Running) -> None:
    """Web, worker and what started them, all by kill -9."""
    for pid in (started.process.pid, *children_of(started.process.pid)):
        os.kill(pid, signal.SIGKILL)
    started.process.wait(10)


def labelled(engine: DockerEngine, deployment_id: str) -> tuple[ContainerView, ...]:
    return engine.list(f"seatrial.deployment={deployment_id}")


def test_a_real_vllm_outlives_the_app_and_is_upgraded_and_brought_back(
    app: App, engine: DockerEngine, weights: Path, tmp_path: Path, foreign: str
) -> None:
    port = free_port()
    request = DeploymentRequest(
        image=VLLM_IMAGE,
        weights=str(weights),
        served_name="tiny",
        container_name=f"seatrial-life-{port}",
        host_port=port,
        serve_args=("--max-model-len", "4096", "--enforce-eager"),
        privileged=True,
    )
    with running(tmp_path) as first:
        old_id, job_id = start(app, request)
        until(lambda: labelled(engine, old_id), 60, "the container")
        die(first)  # it may not even have been written down which one it is
    with running(tmp_path) as second:
        loading = DeploymentState.LOADING
        until(lambda: app.deployments.get(old_id).deployment.state is loading, 60, "it to be found again")
        until(lambda: len(app.store.deployments.get(old_id).stages) > 2, 120, "it to load")
        die(second)
    with running(tmp_path):
        old = served(app, old_id, job_id)
        assert [view.id for view in labelled(engine, old_id)] == [old.container.id]
        assert (old.container.restart_count, app.store.deployments.get(old_id).container_id) == (0, old.container.id)
        adopts(app, engine, foreign)
        new = served(app, *start(app, replace(app.deployment_details.again(old_id, replaces=old_id), image=NEXT_IMAGE)))
        stands_for(app, engine, new, old, NEXT_IMAGE)
        back = served(app, *start(app, app.deployment_details.again(old_id, replaces=new.id)))
        stands_for(app, engine, back, new, VLLM_IMAGE)
        assert app.deployment_details.detail(back.id).drift == ()
        assert [one.id for one in app.deployment_details.detail(back.id).earlier] == [new.id, old_id]
        comes_back(app, engine, back)


def comes_back(app: App, engine: DockerEngine, crashed: Served) -> None:
    """Its process dies by itself, the engine starts it anew, and nobody asks us to: it is loading, then ready again."""
    before = app.deployments.get(crashed.id).deployment.job_id
    os.kill(int(docker.from_env().api.inspect_container(crashed.container.id)["State"]["Pid"]), signal.SIGKILL)
    wait_for(lambda: engine.get(crashed.container.id).restart_count == 1)
    assert app.deployments.get(crashed.id).deployment.state is DeploymentState.LOADING
    wait_for(lambda: app.deployments.get(crashed.id).deployment.job_id != before, 120, every_s=0.2)
    again = served(app, crashed.id, str(app.deployments.get(crashed.id).deployment.job_id))
    assert (again.container.id, again.endpoint.id) == (crashed.container.id, crashed.endpoint.id)


def adopts(app: App, engine: DockerEngine, name: str) -> None:
    """Taken in and let go: it lives on, and its key stands nowhere in what we wrote."""
    (seen,) = app.adoption.candidates()
    assert (seen.container.name, seen.served_name) == (name, "/weights/tiny")
    view = app.adoption.adopt(LOCAL_OPERATOR, seen.container.id)
    theirs = served(app, str(view.job.deployment_id), view.job.id)
    assert theirs.container.id == seen.container.id
    assert theirs.endpoint.check is not None and theirs.endpoint.check.max_model_len == 2048
    assert FOREIGN_KEY not in repr(app.deployments.get(theirs.id))
    assert app.adoption.candidates() == ()
    app.deployments.remove(LOCAL_OPERATOR, theirs.id)
    assert engine.get(seen.container.id).state == "running"
    engine.remove(seen.container.id, force=True)


def stands_for(app: App, engine: DockerEngine, now: Served, before: Served, image: str) -> None:
    """In its place: its name, port and endpoint, one container where there was one."""
    assert (now.container.image, now.container.name) == (image, before.container.name)
    assert (now.endpoint.id, now.container.ports) == (before.endpoint.id, before.container.ports)
    assert labelled(engine, before.id) == ()
    assert app.store.deployments.get(before.id).state is DeploymentState.REMOVED
