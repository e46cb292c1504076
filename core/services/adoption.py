"""Containers that serve a model and were not started here: seen, and taken in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from core.domain.access import Actor, Role
from core.domain.container import ContainerSpec, ContainerView
from core.domain.deployment import Deployment, DeploymentState
from core.domain.job import JobState, JobView
from core.errors import BadInput, EngineError, NotFoundError
from core.formats import vllm_serve
from core.formats.deployment import LABEL, read_request, secret_ref, served_port
from core.ports import Clock, ContainerEngine, JobQueue, Secrets, Store
from core.services.access import require
from core.services.catalog import CatalogService
from core.services.deployments import default_label, deployment_job, start_key


@dataclass(frozen=True)
class Candidate:
    """A container that can be taken in. ``spec`` without any key."""

    container: ContainerView
    spec: ContainerSpec
    served_name: str


class AdoptionService:
    """An adopted container keeps its life: it is never made anew, and leaving it only forgets it."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        engine: ContainerEngine,
        catalog: CatalogService,
        secrets: Secrets,
        clock: Clock,
    ) -> None:
        self._store = store
        self._queue = queue
        self._engine = engine
        self._catalog = catalog
        self._secrets = secrets
        self._clock = clock

    def candidates(self) -> tuple[Candidate, ...]:
        """Running containers with a vLLM server that can be reached, not ours and not adopted; none where no engine
        answers."""
        try:
            return tuple(self._candidates())
        except EngineError:
            return ()

    def _candidates(self) -> Iterator[Candidate]:
        living = (one for one in self._store.deployments.list() if one.state is not DeploymentState.REMOVED)
        known = {one.container_id for one in living}
        for container in self._engine.list():
            if LABEL in container.labels or container.id in known or container.state != "running":
                continue
            with suppress(NotFoundError):  # it went while we looked
                found = self._look(container)
                if found is not None:
                    yield found

    def _look(self, container: ContainerView) -> Candidate | None:
        spec = self._engine.describe(container.id)
        spec = replace(spec, command=vllm_serve.without_key(spec.command)[0])
        serve, port = vllm_serve.parse(spec.command), served_port(spec)
        if serve is None or serve.model is None or port is None:
            return None
        spec = replace(spec, ports=(port, *(other for other in spec.ports if other != port)))
        return Candidate(container, spec, serve.name or serve.model)

    def adopt(self, actor: Actor, container_id: str) -> JobView:
        """Records the container as a deployment and queues the look whether it serves. The key that it asks for is read
        from it and kept encrypted. Raises NotAllowed, NotFoundError, EngineError, BadInput (not_adoptable: value)."""
        require(actor, Role.OPERATOR)
        found = self._look(self._engine.get(container_id))
        if found is None:
            raise BadInput("not_adoptable", field="container", value=container_id[:12])
        key = self._key(container_id, found.spec)
        deployment = self._record(actor, found, with_key=key is not None)
        job = deployment_job(actor, deployment, start_key(deployment), self._clock.now())
        deployment = replace(deployment, job_id=job.id)
        with self._store.atomic():
            if any(
                one.container_id == container_id and one.state is not DeploymentState.REMOVED
                for one in self._store.deployments.list()
            ):
                raise BadInput("not_adoptable", field="container", value=found.container.name)
            if key is not None:
                self._secrets.put(secret_ref(deployment.id), key)
            self._store.deployments.add(deployment)
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _record(self, actor: Actor, found: Candidate, *, with_key: bool) -> Deployment:
        deployment_id = f"dep-{uuid.uuid4().hex[:12]}"
        secret = {vllm_serve.KEY_VARIABLE: secret_ref(deployment_id)} if with_key else {}
        spec = replace(found.spec, secret_env=secret)
        read = replace(read_request(spec).request, with_key=with_key)
        request = self._catalog.recognise(read)
        return Deployment(
            id=deployment_id,
            name=found.container.name,
            spec=spec,
            state=DeploymentState.LOADING,
            served_name=found.served_name,
            created_at=self._clock.now(),
            created_by=actor.name,
            version_label=default_label(request),
            container_id=found.container.id,
            image_digest=found.container.image_id,
            request=request,
            adopted=True,
        )

    def _key(self, container_id: str, spec: ContainerSpec) -> str | None:
        """From the arguments, else from the environment of its processes."""
        _, told = vllm_serve.without_key(self._engine.describe(container_id).command)
        if told is not None or vllm_serve.KEY_VARIABLE not in spec.secret_env:
            return told
        result = self._engine.exec(container_id, ["printenv", vllm_serve.KEY_VARIABLE])
        return result.output.strip() or None if result.exit_code == 0 else None
