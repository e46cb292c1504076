"""The deployment pages' core over a real store; engine, host, queue and network are fakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentRequest
from core.domain.endpoint import Task
from core.domain.job import JobState
from core.services.adoption import AdoptionService
from core.services.containers import ContainerService
from core.services.deployment_details import DeploymentDetails
from core.services.deployments import DeploymentService
from core.services.endpoints import EndpointService
from core.services.hosts import HostService
from core.services.jobs import JobService
from core.services.preflight import PreflightService
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import WHOLE, FakeHostProbe
from tests.fakes.job_queue import FakeJobQueue
from ui import session

FOLDER = "/srv/models/tiny"
REQUEST = DeploymentRequest(image="vllm:test", weights=FOLDER, served_name="tiny")
WEIGHTS = {f"{FOLDER}/config.json": {}, f"{FOLDER}/tokenizer.json": {}, f"{FOLDER}/model.safetensors": WHOLE}


class World:
    """The page's core over a real store; engine, host, queue and network are fakes."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.engine = FakeEngine()
        self.probe = FakeHostProbe(WEIGHTS)
        self.queue = FakeJobQueue(app.clock.now())
        self.client = FakeEndpointClient(app.clock)
        endpoints = EndpointService(app.store.endpoints, self.client, app.secrets, app.clock)
        jobs = JobService(app.store.jobs, self.queue, app.tools, app.settings, app.clock)
        hosts = HostService(
            self.engine, self.probe, app.store.preferences, lambda: app.catalog.catalog().platforms, app.settings
        )
        preflight = PreflightService(self.engine, self.probe, hosts, app.catalog.catalog)
        self.service = DeploymentService(
            store=app.store,
            queue=self.queue,
            engine=self.engine,
            endpoints=endpoints,
            jobs=jobs,
            client=self.client,
            secrets=app.secrets,
            clock=app.clock,
            probe=self.probe,
            catalog=app.catalog.catalog,
            devices=hosts.devices,
            preflight=preflight.check,
            outward=lambda: "gpu-7.example",
        )
        details = DeploymentDetails(app.store, self.engine, self.service, app.catalog, app.clock)
        adoption = AdoptionService(app.store, self.queue, self.engine, app.catalog, app.secrets, app.clock)
        session.install(
            replace(
                app,
                endpoints=endpoints,
                jobs=jobs,
                deployments=self.service,
                deployment_details=details,
                adoption=adoption,
                inside=ContainerService(app.store, self.engine, app.secrets, app.clock),
                preflight=preflight,
            )
        )

    def start(self, **changes: Any) -> str:
        """A recorded deployment's id."""
        view = self.service.start(LOCAL_OPERATOR, self.service.plan(replace(REQUEST, **changes)))
        return view.job.deployment_id or ""

    def serve(self, task: Task = Task.GENERATE, **changes: Any) -> str:
        """A deployment whose service answers."""
        found = self.start(**changes)
        self.service.step_create(found)
        ref = self.app.store.deployments.get(found).spec.secret_env["VLLM_API_KEY"]
        self.client.servers["http://127.0.0.1:8000/v1"] = FakeServer(key=self.app.secrets.get(ref), task=task)
        self.service.step_wait_ready(found)
        self.service.step_register_endpoint(found)
        self.finish(found)
        return found

    def finish(self, deployment_id: str) -> None:
        """Its job has ended."""
        job_id = self.app.store.deployments.get(deployment_id).job_id or ""
        self.app.store.jobs.finish(job_id, JobState.DONE, self.app.clock.now())


def fill(at: AppTest, **fields: str) -> AppTest:
    """Types into the form."""
    for name, text in fields.items():
        key = f"deploy_{name}"
        area = name in {"env", "serve_args", "docker_options"}
        (at.text_area(key=key) if area else at.text_input(key=key)).set_value(text)
    return at.run()
