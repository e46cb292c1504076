"""Deployments whose containers went their own way: a worker looks at them again and again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from core.domain.access import Actor, Role
from core.domain.deployment import Deployment, DeploymentState
from core.errors import EngineError, NotFoundError
from core.formats.deployment import LABEL
from core.ports import Clock, ContainerEngine, JobQueue, Store
from core.services.deployment_steps import STOP_PENDING
from core.services.deployments import DeploymentService, deployment_job, start_key

_STOP_TIMEOUT_S = 1


class DeploymentCare:
    """A container that was started by hand, or came back after a crash, is waited for until it serves; one whose start
    was cancelled while no engine answered is stopped. A thing has to look the same twice: between a restart and its
    record there is an instant in which it looks as if nobody waited."""

    def __init__(
        self, store: Store, queue: JobQueue, engine: ContainerEngine, deployments: DeploymentService, clock: Clock
    ) -> None:
        self._store = store
        self._queue = queue
        self._engine = engine
        self._deployments = deployments
        self._clock = clock
        self._seen: frozenset[tuple[str, str | None]] = frozenset()

    def look(self) -> None:
        """Does what is to be done; nothing while no engine answers. Raises StoreError."""
        with suppress(EngineError):
            self._stop_pending()
            self._wait_for_restarted()

    def _stop_pending(self) -> None:
        for found in self._store.deployments.list(include_ended=False):
            if found.reason_code != STOP_PENDING:
                continue
            labelled = (container.id for container in self._engine.list(f"{LABEL}={found.id}"))
            for container_id in {*labelled, *([found.container_id] if found.container_id else [])}:
                with suppress(NotFoundError):
                    self._engine.stop(container_id, _STOP_TIMEOUT_S)
            self._store.deployments.set_state(found.id, DeploymentState.STOPPED, at=self._clock.now())

    def _wait_for_restarted(self) -> None:
        waited_for = {job.deployment_id for job in self._store.jobs.unfinished()}
        alone = {
            (view.deployment.id, view.container.started_at): view
            for view in self._deployments.list(include_ended=False)
            if view.deployment.state is DeploymentState.LOADING
            and view.container is not None
            and view.container.state == "running"
            and view.deployment.id not in waited_for
        }
        for mark in self._seen & alone.keys():
            self._wait_again(self._store.deployments.get(mark[0]))
        self._seen = frozenset(alone)

    def _wait_again(self, deployment: Deployment) -> None:
        """In the name of whoever deployed it, who is told how it ends."""
        endpoint = self._deployments.get(deployment.id).endpoint
        key = endpoint.server_key if endpoint else start_key(deployment)
        job = deployment_job(Actor(deployment.created_by, Role.OPERATOR), deployment, key, self._clock.now())
        again = replace(
            deployment, job_id=job.id, state=DeploymentState.LOADING, stages=(), reason_code=None, reason_params=()
        )
        with self._store.atomic():
            self._store.deployments.update(again)
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
