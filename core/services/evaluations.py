"""Evaluations: from what a person asks for to a queued job."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core.domain.access import Actor, Role
from core.domain.benchmark import Page, RunHead, RunKind, RunRow, RunState
from core.domain.benchmark_rules import endpoint_findings
from core.domain.endpoint import Endpoint
from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    EvaluationPlan,
    EvaluationPreset,
    EvaluationRequest,
    Need,
    PlannedDataset,
    SamplingPreset,
)
from core.domain.evaluation_estimate import PastScore, estimate_s, most_s
from core.domain.evaluation_rules import (
    Surroundings,
    advised_sampling,
    evaluation_findings,
    fitting_max_tokens,
    plan_dataset,
)
from core.domain.evaluation_scores import asked_key
from core.domain.finding import Finding, Severity, blocking
from core.domain.history import Facet, RunFilter
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.limits import ServingLimits
from core.domain.workload import Api
from core.errors import BadInput, EngineUnavailable, PlanBlocked, StalePlan
from core.formats import evalscope_task, records, seatrial_eval
from core.ports import Clock, ContainerEngine, EvaluationCatalog, JobQueue, Store
from core.services.access import require
from core.services.datasets import QUESTION_FOLDER, DatasetService
from core.services.endpoints import EndpointService
from core.services.past import past_measurements
from core.services.provenance import endpoint_snapshot, provenance

ENGINE = "evalscope"
USUAL_BATCH = 4
_PAST_RUNS = 5


class EvaluationService:
    """``limits``: what the server behind an endpoint takes, as far as it is known; ``evalscope_version`` reads the
    installed package's version without importing it."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        endpoints: EndpointService,
        datasets: DatasetService,
        catalog: EvaluationCatalog,
        engine: ContainerEngine,
        clock: Clock,
        *,
        limits: Callable[[Endpoint], ServingLimits],
        product_version: str = "0",
        evalscope_version: str | None = None,
        host: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._store = store
        self._queue = queue
        self._endpoints = endpoints
        self._datasets = datasets
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._limits = limits
        self._product_version = product_version
        self._evalscope_version = evalscope_version
        self._host = host

    # ------------------------------------------------------------ where to start from

    def presets(self) -> tuple[EvaluationPreset, ...]:
        """Evaluations to start from."""
        return self._catalog.presets()

    def sampling(self) -> tuple[SamplingPreset, ...]:
        """How vendors sample; the general one last."""
        return self._catalog.sampling()

    def defaults(
        self, endpoint_id: str, preset_key: str | None = None, sampling_key: str | None = None
    ) -> EvaluationRequest:
        """A preset for this endpoint: sampled as its model's vendor advises (or as ``sampling_key`` says; auto and none
        are no keys), within what the server takes. Raises NotFoundError for an unknown endpoint, BadInput
        (sampling_unknown: value, known)."""
        endpoint = self._endpoints.get(endpoint_id)
        preset = next((one for one in self.presets() if one.key == preset_key), None)
        advised = self._sampling(endpoint, sampling_key)
        wanted = preset.max_tokens if preset and preset.max_tokens else advised.max_tokens
        request = EvaluationRequest(
            endpoint_id=endpoint_id,
            datasets=preset.datasets if preset else (),
            limit=preset.limit if preset else EvaluationRequest(endpoint_id, ()).limit,
            repeats=preset.repeats if preset else 1,
            sampling=advised.sampling,
            max_tokens=wanted,
            thinking_key=advised.thinking_key or "enable_thinking",
        )
        return self.fitted(request, endpoint)

    def _sampling(self, endpoint: Endpoint, key: str | None) -> SamplingPreset:
        known = {one.key: one for one in self.sampling()}
        if key in known:
            return known[key]
        if key not in {None, "auto", "none"}:
            raise BadInput("sampling_unknown", field="sampling", value=key, known=", ".join(known))
        return advised_sampling(endpoint.served_name, self.sampling()) or self.sampling()[-1]

    def fitted(self, request: EvaluationRequest, endpoint: Endpoint) -> EvaluationRequest:
        """With ``max_tokens`` and batch size brought down to what the server takes."""
        limits = self._limits(endpoint)
        return replace(
            request,
            max_tokens=fitting_max_tokens(request, self._datasets.known(), limits.max_model_len),
            batch_size=min(request.batch_size, limits.max_concurrency or request.batch_size),
        )

    # ------------------------------------------------------------ planning

    def plan(self, request: EvaluationRequest) -> EvaluationPlan:
        """What would happen; nothing is changed. Raises NotFoundError for an unknown endpoint."""
        endpoint, known = self._endpoints.get(request.endpoint_id), self._datasets.known()
        judge = self._judge(request)
        findings = (*self._findings(request, endpoint, known), *self._queue_findings(endpoint))
        planned = tuple(
            plan_dataset(choice, known[choice.key], request.limit, request.repeats)
            for choice in request.datasets
            if choice.key in known
        )
        each = [evalscope_task.task_config(request, one, endpoint, judge, _shown_place(one)) for one in planned]
        configs = evalscope_task.merged(each)
        keys = evalscope_task.Keys(endpoint.key_ref is not None, judge is not None and judge.key_ref is not None)
        requests = _sum(one.requests for one in planned)
        is_blocked = bool(blocking(findings))
        return EvaluationPlan(
            request=request,
            datasets=planned,
            questions=_sum(one.questions for one in planned),
            requests=requests,
            input_tokens=_sum(one.input_tokens for one in planned),
            output_tokens=None if requests is None else requests * request.max_tokens,
            estimate_s=None if is_blocked else self._estimate_s(request, planned),
            most_s=None if is_blocked else self._most_s(request, planned),
            command=seatrial_eval.argv(request, endpoint, judge),
            python_call=evalscope_task.python_calls(configs, keys),
            cli_calls=tuple(evalscope_task.cli_call(config, keys) for config in configs),
            findings=findings,
            fingerprint=_fingerprint(request, endpoint, known),
        )

    def _findings(
        self, request: EvaluationRequest, endpoint: Endpoint, known: Mapping[str, Dataset]
    ) -> tuple[Finding, ...]:
        folders = {choice.local_path for choice in request.datasets if choice.local_path is not None}
        problems = {folder: self._datasets.folder_problem(folder) for folder in folders}
        around = Surroundings(
            limits=self._limits(endpoint),
            judge=self._judge(request),
            folders={folder: problem for folder, problem in problems.items() if problem},
            cached=self._datasets.here(known[choice.key] for choice in request.datasets if choice.key in known),
            sandbox=self._sandbox_problem(request, known),
            advised=advised_sampling(endpoint.served_name, self.sampling()),
        )
        return (
            *endpoint_findings(endpoint, Api.CHAT),
            *evaluation_findings(request, endpoint, known, around),
        )

    def _judge(self, request: EvaluationRequest) -> Endpoint | None:
        found = {one.id: one for one in self._endpoints.list()} if request.judge_endpoint_id else {}
        return found.get(request.judge_endpoint_id or "")

    def _sandbox_problem(self, request: EvaluationRequest, known: Mapping[str, Dataset]) -> str | None:
        """Asked only where code is to be run: the engine may take its time to say no."""
        needed = any(Need.SANDBOX in known[one.key].needs for one in request.datasets if one.key in known)
        if not (request.sandbox and needed):
            return None
        if not self._catalog.has_sandbox():
            return "eval_sandbox_missing"
        try:
            self._engine.info()
        except EngineUnavailable:
            return "eval_sandbox_no_engine"
        return None

    def _queue_findings(self, endpoint: Endpoint) -> tuple[Finding, ...]:
        busy = [job for job in self._store.jobs.unfinished() if job.server_key == endpoint.server_key]
        if not busy:
            return ()
        first, count = busy[0].title, len(busy)
        return (Finding("bench_will_queue", Severity.NOTE, "endpoint_id", {"title": first, "count": count}),)

    def _estimate_s(self, request: EvaluationRequest, planned: tuple[PlannedDataset, ...]) -> float | None:
        """From what earlier evaluations of this endpoint took a request."""
        where = RunFilter(facets={Facet.KIND: RunKind.EVALUATION.value}, endpoint_id=request.endpoint_id)
        past = [
            PastScore(row, self._store.evaluations.request(run.id).batch_size)
            for run in self._store.runs.page(0, _PAST_RUNS, where).rows
            for row in self._store.evaluations.scores(run.id)
        ]
        return estimate_s(request, planned, past)

    def _most_s(self, request: EvaluationRequest, planned: tuple[PlannedDataset, ...]) -> float | None:
        """From what this endpoint's sweeps measured."""
        where = RunFilter(facets={Facet.KIND: RunKind.SWEEP.value}, endpoint_id=request.endpoint_id)
        return most_s(request, planned, past_measurements(self._store, where))

    # ------------------------------------------------------------ starting

    def start(self, actor: Actor, plan: EvaluationPlan) -> JobView:
        """Records the evaluation and its job, then queues it. Raises NotAllowed, PlanBlocked and, where endpoint or
        datasets have changed since the plan, StalePlan."""
        require(actor, Role.OPERATOR)
        request = plan.request
        endpoint, known = self._endpoints.get(request.endpoint_id), self._datasets.known()
        if _fingerprint(request, endpoint, known) != plan.fingerprint:
            raise StalePlan
        blocks = blocking(self._findings(request, endpoint, known))
        if blocks:
            raise PlanBlocked(blocks)
        pinned = replace(request, datasets=tuple(_pinned(choice, known) for choice in request.datasets))
        run = self._run(actor, replace(plan, request=pinned), endpoint)
        job = _job(run, endpoint)
        with self._store.atomic():
            self._store.runs.add(run)
            self._store.evaluations.add(run.id, pinned)
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _run(self, actor: Actor, plan: EvaluationPlan, endpoint: Endpoint) -> RunHead:
        request = plan.request
        deployment = self._store.deployments.get(endpoint.deployment_id) if endpoint.deployment_id else None
        found = provenance(endpoint, deployment, product_version=self._product_version, host=self._host())
        return RunHead(
            id=f"run-{uuid.uuid4().hex[:12]}",
            endpoint_id=endpoint.id,
            model=endpoint.served_name,
            version_label=endpoint.version_label,
            origin=endpoint.origin.value,
            engine=ENGINE,
            state=RunState.PENDING,
            seed=request.seed,
            created_at=self._clock.now(),
            created_by=actor.name,
            command=plan.command,
            note=request.note.strip(),
            job_id=f"job-{uuid.uuid4().hex[:12]}",
            kind=RunKind.EVALUATION,
            parts_total=len(request.datasets),
            workload_label=", ".join(choice.key for choice in request.datasets),
            workload_key=asked_key(request),
            provenance={
                **found,
                "tool": ENGINE,
                "tool_version": self._evalscope_version,
                "evalscope_python": plan.python_call,
                "evalscope_cli": [list(words) for words in plan.cli_calls],
                "accepted": [
                    {"code": one.code, "field": one.field, "params": dict(one.params)}
                    for one in plan.findings
                    if one.severity is Severity.WARN
                ],
            },
        )

    # ------------------------------------------------------------ what there is

    def recent(self, offset: int, limit: int) -> Page[RunRow]:
        """Evaluations, the newest first."""
        where = RunFilter(facets={Facet.KIND: RunKind.EVALUATION.value})
        return self._store.runs.page(offset, limit, where)


def _shown_place(planned: PlannedDataset) -> evalscope_task.Place:
    """Where the shown call looks for questions that are not EvalScope's: DatasetService.question_zip packs them so."""
    return evalscope_task.Place("outputs", f"{QUESTION_FOLDER}/{planned.choice.key}", "datasets")


def _pinned(choice: DatasetChoice, known: Mapping[str, Dataset]) -> DatasetChoice:
    """An own set by its version: a later upload changes nothing of what was asked. All subsets by their names are the
    whole, and are ranked with it."""
    dataset = known[choice.key]
    is_whole = set(choice.subsets) == {subset.name for subset in dataset.subsets}
    return replace(choice, version=choice.version or dataset.version, subsets=() if is_whole else choice.subsets)


def _job(run: RunHead, endpoint: Endpoint) -> Job:
    return Job(
        id=run.job_id or "",
        kind=JobKind.EVALUATION,
        title=f"{endpoint.name} · {run.workload_label}",
        server_key=endpoint.server_key,
        created_at=run.created_at,
        created_by=run.created_by,
        steps_total=run.parts_total or 0,
        run_id=run.id,
    )


def _sum(values: Any) -> int | None:
    """None where one of them is not known."""
    known = list(values)
    return None if any(value is None for value in known) else sum(known)


def _fingerprint(request: EvaluationRequest, endpoint: Endpoint, known: Mapping[str, Dataset]) -> str:
    """Of the request and of what the plan depends on: not of when the endpoint was checked."""
    check = endpoint.check
    checked = (check.reachable, check.served_name, check.max_model_len) if check else ()
    revisions = [known[one.key].revision for one in request.datasets if one.key in known]
    text = records.dumps(EvaluationRequest, request) + json.dumps([endpoint_snapshot(endpoint), checked, revisions])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
