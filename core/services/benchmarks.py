"""Benchmarks: from what a person asks for to a queued job."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from core.domain.access import Actor, Role
from core.domain.benchmark import UNDRAWN, BenchmarkPlan, BenchmarkRequest, Engine, GridPlan, Run, RunState
from core.domain.benchmark_rules import benchmark_findings
from core.domain.catalog import Catalog
from core.domain.deployment import Deployment
from core.domain.endpoint import Endpoint
from core.domain.estimates import estimate_s
from core.domain.finding import Finding, Severity, blocking
from core.domain.history import Facet, RunFilter
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.limits import ServingLimits, grid_workloads
from core.domain.seeds import point_seed
from core.domain.workload import Dataset, LengthGrid, LoadPoint, Preset, Workload
from core.errors import PlanBlocked, StalePlan
from core.formats import records, seatrial_bench, vllm_bench, vllm_serve
from core.formats.datasets import PromptFile, read_prompts
from core.loadgen import TOOL, TOOL_VERSION
from core.ports import Clock, JobQueue, PromptFiles, Store
from core.services.access import require
from core.services.endpoints import EndpointService
from core.services.past import past_measurements
from core.services.provenance import endpoint_snapshot, provenance

_NAME_LIMIT = 200
_SPECULATION = {"--speculative-config", "--speculative_config", "-sc"}
_SEED_BITS = 31


class BenchmarkService:
    """``host`` describes the machine for a run's provenance; ``presets`` reads the catalog's workloads, ``catalog`` the
    profiles whose limits a deployment is held to."""

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
        catalog: Callable[[], Catalog] = Catalog,
        prompts: PromptFiles | None = None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._endpoints = endpoints
        self._clock = clock
        self._product_version = product_version
        self._host = host
        self._presets = presets
        self._catalog = catalog
        self._prompts = prompts

    def presets(self) -> tuple[Preset, ...]:
        """Workloads to start from."""
        return self._presets()

    def limits(self, endpoint: Endpoint) -> ServingLimits:
        """What the server behind an endpoint can take, as far as it is known."""
        check = endpoint.check
        context = check.max_model_len if check else None
        deployment = self._deployment(endpoint)
        if deployment is None:
            return ServingLimits(max_model_len=context)
        serve = vllm_serve.parse(deployment.spec.command)
        args = serve.args if serve else ()
        asked = deployment.request
        key = asked.profile if asked else None
        entry = self._catalog().entry(key) if key else None
        if entry and asked and asked.platform and asked.platform not in entry.model.platforms:
            entry = None  # its limits are another platform's
        group = self._catalog().groups.get(entry.model.profiles) if entry else None
        platform = self._catalog().platforms.get(asked.platform or "") if asked else None
        return ServingLimits(
            max_model_len=context or vllm_serve.int_argument(args, "--max-model-len"),
            max_input=entry.profile.max_input_len if entry else None,
            max_concurrency=entry.profile.max_concurrency if entry else None,
            max_sequences=_max_sequences(args),
            has_mtp=any(flag.split("=")[0] in _SPECULATION for flag in args),
            name=key,
            source=group.source if group else None,
            refused_sampling=platform.unsupported_sampling if platform else (),
            platform=platform.name if platform else None,
        )

    def _deployment(self, endpoint: Endpoint) -> Deployment | None:
        return self._store.deployments.get(endpoint.deployment_id) if endpoint.deployment_id else None

    # ------------------------------------------------------------ prompts

    def add_prompts(self, actor: Actor, name: str, source: BinaryIO) -> tuple[Dataset, PromptFile]:
        """Keeps a file of prompts, read as a stream, and says what was left out of it. Raises NotAllowed, BadInput
        (prompts_*) and StoreError."""
        require(actor, Role.OPERATOR)
        if self._prompts is None:
            raise RuntimeError("no place for prompts was given")
        found, lines = read_prompts(source)
        digest = self._prompts.put(lines)
        return found.dataset(name[:_NAME_LIMIT], digest), found

    # ------------------------------------------------------------ planning

    def plan_grid(self, request: BenchmarkRequest, grid: LengthGrid) -> GridPlan:
        """A plan for every pair of lengths that the server can take. Raises NotFoundError."""
        endpoint = self._endpoints.get(request.endpoint_id)
        kept, left_out = grid_workloads(request.workload, grid, self.limits(endpoint))
        plans = tuple(self.plan(replace(request, workload=workload)) for workload in kept)
        return GridPlan(plans, left_out, seatrial_bench.grid_argv(request, endpoint, grid))

    def plan(self, request: BenchmarkRequest) -> BenchmarkPlan:
        """What would happen; nothing is changed. Raises NotFoundError for an unknown endpoint."""
        endpoint = self._endpoints.get(request.endpoint_id)
        found = benchmark_findings(request, endpoint, self.limits(endpoint))
        findings = (*found, *self._queue_findings(endpoint))
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
            vllm_bench.argv(
                target, load, point, _seed_word(request.seed, point.index, repeat), *_result(load, point, repeat)
            )
            for point, repeat in steps
        )

    def _bench_target(self, endpoint: Endpoint) -> vllm_bench.BenchTarget | None:
        deployment = self._deployment(endpoint)
        if deployment is None:
            return None
        version = endpoint.check.server_version if endpoint.check else None
        return vllm_bench.target_of(deployment.spec.command, endpoint.served_name, version)

    def _queue_findings(self, endpoint: Endpoint) -> tuple[Finding, ...]:
        busy = [job for job in self._store.jobs.unfinished() if job.server_key == endpoint.server_key]
        if not busy:
            return ()
        first, count = busy[0].title, len(busy)
        return (Finding("bench_will_queue", Severity.NOTE, "endpoint_id", {"title": first, "count": count}),)

    def _estimate_s(self, request: BenchmarkRequest) -> float | None:
        """By what this endpoint did, else by what the same model did elsewhere: a first guess is better than none."""
        endpoint = self._endpoints.get(request.endpoint_id)
        alike = (RunFilter(endpoint_id=endpoint.id), RunFilter(facets={Facet.MODEL: endpoint.served_name}))
        guesses = (estimate_s(request.workload, past_measurements(self._store, where)) for where in alike)
        return next((guess for guess in guesses if guess is not None), None)

    # ------------------------------------------------------------ starting

    def start_grid(self, actor: Actor, plan: GridPlan) -> tuple[JobView, ...]:
        """Every run of a grid, queued in order. Raises as ``start`` does, before anything is queued where the first
        plan is refused."""
        return tuple(self.start(actor, one) for one in plan.plans)

    def start(self, actor: Actor, plan: BenchmarkPlan) -> JobView:
        """Records the run and its job, then queues it. Raises NotAllowed, PlanBlocked and, where the endpoint has
        changed since the plan, StalePlan."""
        require(actor, Role.OPERATOR)
        endpoint = self._endpoints.get(plan.request.endpoint_id)
        if _fingerprint(plan.request, endpoint) != plan.fingerprint:
            raise StalePlan
        blocks = blocking(benchmark_findings(plan.request, endpoint, self.limits(endpoint)))
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
            provenance=self._provenance(plan, endpoint),
        )

    def _provenance(self, plan: BenchmarkPlan, endpoint: Endpoint) -> dict[str, Any]:
        """Snapshots, so that history stays true after edits. Which tool of which version measured,
        the measurements tell."""
        found = provenance(
            endpoint, self._deployment(endpoint), product_version=self._product_version, host=self._host()
        )
        own = plan.request.engine is Engine.SEATRIAL
        return {
            **found,
            "tool": TOOL if own else plan.request.engine.value,
            "tool_version": TOOL_VERSION if own else None,
            "accepted": [
                {"code": one.code, "field": one.field, "params": dict(one.params)}
                for one in plan.findings
                if one.severity is Severity.WARN
            ],
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


def _max_sequences(args: Sequence[str]) -> int | None:
    """Each replica works on so many at once."""
    each = vllm_serve.int_argument(args, "--max-num-seqs", "--max_num_seqs")
    replicas = vllm_serve.int_argument(args, "--data-parallel-size", "--data_parallel_size", "-dp")
    return None if each is None else each * (replicas or 1)


def _result(load: Workload, point: LoadPoint, repeat: int) -> tuple[str, str]:
    """Folder and file, as the worker will name them; UNDRAWN stands for a word that it draws."""
    return vllm_bench.result_path(load, point.index, repeat, UNDRAWN)


def _seed_word(run_seed: int | None, point_index: int, repeat: int) -> int | str:
    return "FRESH" if run_seed is None else point_seed(run_seed, point_index, repeat)


def _fingerprint(request: BenchmarkRequest, endpoint: Endpoint) -> str:
    """Of the request and of what the plan depends on: not of when the endpoint was checked."""
    check = endpoint.check
    known = (check.reachable, check.served_name, check.max_model_len, check.vocabulary_size) if check else ()
    text = records.dumps(BenchmarkRequest, request) + json.dumps([endpoint_snapshot(endpoint), known])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
