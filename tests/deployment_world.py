"""A whole deployment service over a real database; engine, host and servers are fakes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.adapters.catalog_files import load_catalog
from core.adapters.database.store import DatabaseStore
from core.adapters.processes import LocalToolRunner
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.deployment import DeploymentRequest, DeploymentState
from core.domain.job import JobState, Progress
from core.formats.deployment import container_spec
from core.services.deployment_care import DeploymentCare
from core.services.deployments import DeploymentService
from core.services.endpoints import EndpointService
from core.services.jobs import JobService
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import WHOLE, FakeHostProbe
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets

CATALOG = load_catalog()
URL = "http://127.0.0.1:8000/v1"
FOLDER = "/srv/models/tiny"
FILES = {
    f"{FOLDER}/{name}": content
    for name, content in {
        "config.json": {},
        "tokenizer.json": {},
        "model.safetensors": WHOLE,
    }.items()
}
REQUEST = DeploymentRequest(image="vllm:test", weights=FOLDER, served_name="tiny")
VIEWER = Actor("lea", Role.VIEWER)
DATA = Path(__file__).parent / "data"


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
            catalog=lambda: CATALOG,
            sleep=self._sleep,
        )

        self.care = DeploymentCare(store, self.queue, self.engine, self.service, self.clock)

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


def codes(world: World, **changes: Any) -> list[tuple[str, str | None]]:
    return [(found.code, found.field) for found in world.service.plan(replace(REQUEST, **changes)).findings]
