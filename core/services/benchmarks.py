"""Benchmarks: from what a person asks for to a queued job."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from core.domain.access import Actor, Role
from core.domain.benchmark import BenchmarkPlan, BenchmarkRequest, Engine, Run, RunState
from core.domain.benchmark_rules import benchmark_findings
from core.domain.container import ContainerSpec
from core.domain.endpoint import Endpoint, EndpointCheck
from core.domain.estimates import Past, estimate_s
from core.domain.finding import Finding, Severity, blocking
from core.domain.history import RunFilter
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.seeds import point_seed
from core.domain.workload import Preset
from core.errors import PlanBlocked, StalePlan
from core.formats import records, seatrial_bench, vllm_bench
from core.loadgen import TOOL, TOOL_VERSION
from core.ports import Clock, JobQueue, Store
from core.services.access import require
from core.services.endpoints import EndpointService

_PAST_RUNS = 5
_SEED_BITS = 31


class BenchmarkService:
    """``host`` describes the machine for a run's provenance; ``presets`` reads the catalog's workloads."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        endpoints: EndpointService,
        clock: Clock,
        *,
        product_version: str = "0",
        host: Callable[[], Mapping[str, Any]] = dict,
        presets: Callable[[], tuple[Preset, ...]] = tuple,
    ) -> None:
        self._store = store
        self._queue = queue
        self._endpoints = endpoints
        self._clock = clock
        self._product_version = product_version
        self._host = host
        self._presets = presets

    def presets(self) -> tuple[Preset, ...]:
        """Workloads to start from."""
        return self._presets()

    # ------------------------------------------------------------ planning

    def plan(self, request: BenchmarkRequest) -> BenchmarkPlan:
        """What would happen; nothing is changed. Raises NotFoundError for an unknown endpoint."""
        endpoint = self._endpoints.get(request.endpoint_id)
        findings = (*benchmark_findings(request, endpoint), *self._queue_findings(endpoint))
        return BenchmarkPlan(
            request=request,
            command=seatrial_bench.argv(request, endpoint),
            tool_commands=self._tool_commands(request, endpoint),
            findings=findings,
            estimate_s=None if blocking(findings) else self._estimate_s(request),
            fingerprint=_fingerprint(request, endpoint),
        )

    def _tool_commands(self, request: BenchmarkRequest, endpoint: Endpoint) -> tuple[tuple[str, ...], ...]:
        """One child per point and repeat, in the order in which they are measured."""
        load = request.workload
        steps = [(point, repeat) for repeat in range(load.repeats) for point in load.points]
        if request.engine is Engine.SEATRIAL:  # the task file holds everything that ``plan.command`` says
            files = [f"point-{point.index}/repeat-{repeat}/task.json" for point, repeat in steps]
            return tuple(("python", "-m", "core.loadgen", file) for file in files)
        target = self._bench_target(endpoint)
        if target is None or any(vllm_bench.requests_of(point) is None for point in load.points):
            return ()
        return tuple(
            vllm_bench.argv(target, load, point, _seed_word(request.seed, point.index, repeat), "/tmp", "result.json")
            for point, repeat in steps
        )

    def _bench_target(self, endpoint: Endpoint) -> vllm_bench.BenchTarget | None:
        if endpoint.deployment_id is None:
            return None
        command = self._store.deployments.get(endpoint.deployment_id).spec.command
        version = endpoint.check.server_version if endpoint.check else None
        return vllm_bench.target_of(command, endpoint.served_name, version)

    def _queue_findings(self, endpoint: Endpoint) -> tuple[Finding, ...]:
        busy = [job for job in self._store.jobs.unfinished() if job.server_key == endpoint.server_key]
        if not busy:
            return ()
        first, count = busy[0].title, len(busy)
        return (Finding("bench_will_queue", Severity.NOTE, "endpoint_id", {"title": first, "count": count}),)

    def _estimate_s(self, request: BenchmarkRequest) -> float | None:
        rows = self._store.runs.page(0, _PAST_RUNS, RunFilter(endpoint_id=request.endpoint_id)).rows
        past = [
            Past(measurement, row.input_tokens, row.output_tokens)
            for row in rows
            if row.input_tokens is not None and row.output_tokens is not None
            for measurement in self._store.runs.measurements(row.id)
        ]
        return estimate_s(request.workload, past)

    # ------------------------------------------------------------ starting

    def start(self, actor: Actor, plan: BenchmarkPlan) -> JobView:
        """Records the run and its job, then queues it. Raises NotAllowed, PlanBlocked and, where the endpoint has
        changed since the plan, StalePlan."""
        require(actor, Role.OPERATOR)
        endpoint = self._endpoints.get(plan.request.endpoint_id)
        if _fingerprint(plan.request, endpoint) != plan.fingerprint:
            raise StalePlan
        blocks = blocking(benchmark_findings(plan.request, endpoint))
        if blocks:
            raise PlanBlocked(blocks)
        run = self._run(actor, plan, endpoint)
        job = _job(run, endpoint)
        with self._store.atomic():
            self._store.runs.add(run)
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _run(self, actor: Actor, plan: BenchmarkPlan, endpoint: Endpoint) -> Run:
        request, seed = plan.request, plan.request.seed
        return Run(
            id=f"run-{uuid.uuid4().hex[:12]}",
            endpoint_id=endpoint.id,
            model=endpoint.served_name,
            version_label=endpoint.version_label,
            origin=endpoint.origin.value,
            engine=request.engine,
            workload=request.workload,
            state=RunState.PENDING,
            seed=secrets.randbits(_SEED_BITS) if seed is None else seed,
            created_at=self._clock.now(),
            created_by=actor.name,
            command=plan.command,
            note=request.note.strip(),
            job_id=f"job-{uuid.uuid4().hex[:12]}",
            provenance=self._provenance(request.engine, endpoint),
        )

    def _provenance(self, engine: Engine, endpoint: Endpoint) -> dict[str, Any]:
        """Snapshots, so that history stays true after edits. What only the worker knows, it merges in later."""
        check = endpoint.check
        own = engine is Engine.SEATRIAL
        return {
            "endpoint": _endpoint_snapshot(endpoint),
            "check": _plain(EndpointCheck, check) if check else None,
            "server_version": check.server_version if check else None,
            "tool": TOOL if own else engine.value,
            "tool_version": TOOL_VERSION if own else None,
            "product_version": self._product_version,
            "host": dict(self._host()),
            **self._container_snapshot(endpoint),
        }

    def _container_snapshot(self, endpoint: Endpoint) -> dict[str, Any]:
        if endpoint.deployment_id is None:
            return {}
        deployment = self._store.deployments.get(endpoint.deployment_id)
        return {
            "container_spec": _plain(ContainerSpec, deployment.spec),
            "container_id": deployment.container_id,
            "image_digest": deployment.image_digest,
        }


def _job(run: Run, endpoint: Endpoint) -> Job:
    workload = run.workload
    loads = ", ".join(
        f"{point.rate_per_s:g}/s" if point.rate_per_s else str(point.concurrency) for point in workload.points
    )
    return Job(
        id=run.job_id or "",
        kind=JobKind.BENCHMARK,
        title=f"{endpoint.name} · {workload.input_tokens}/{workload.output_tokens} · {loads}",
        server_key=endpoint.server_key,
        created_at=run.created_at,
        created_by=run.created_by,
        steps_total=len(workload.points) * workload.repeats,
        run_id=run.id,
        deployment_id=None,
    )


def _seed_word(run_seed: int | None, point_index: int, repeat: int) -> int | str:
    return "FRESH" if run_seed is None else point_seed(run_seed, point_index, repeat)


def _fingerprint(request: BenchmarkRequest, endpoint: Endpoint) -> str:
    """Of the request and of what the plan depends on: not of when the endpoint was checked."""
    check = endpoint.check
    known = (check.reachable, check.served_name, check.max_model_len, check.vocabulary_size) if check else ()
    text = records.dumps(BenchmarkRequest, request) + json.dumps([_endpoint_snapshot(endpoint), known])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _endpoint_snapshot(endpoint: Endpoint) -> dict[str, Any]:
    """Without the key; whether there is one."""
    names = (
        "id",
        "name",
        "base_url",
        "served_name",
        "server_key",
        "version_label",
        "version_verified",
        "deployment_id",
    )
    return {
        **{name: getattr(endpoint, name) for name in names},
        "origin": endpoint.origin.value,
        "has_key": endpoint.key_ref is not None,
    }


def _plain(kind: type[Any], value: Any) -> Any:
    return json.loads(records.dumps(kind, value))
