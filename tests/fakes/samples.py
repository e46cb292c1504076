"""One plausible object of each kind; what a test cares about, it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.domain.benchmark import Distribution, Engine, Measurement, RequestCounts, Run, RunState, SteadyState
from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.deployment import Deployment, DeploymentState
from core.domain.endpoint import Endpoint, EndpointCheck, KeyState, Origin, ServedModel
from core.domain.finding import Finding, Severity
from core.domain.job import Job, JobKind, Progress
from core.domain.workload import LoadPoint, Workload

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def endpoint(**changes: Any) -> Endpoint:
    """Attached, open, checked."""
    found = EndpointCheck(
        NOW,
        reachable=True,
        key_state=KeyState.OPEN,
        served_models=(ServedModel("tiny", 4096),),
        served_name="tiny",
        max_model_len=4096,
        vocabulary_size=4000,
        server_version="0.32.0",
        streams=True,
        findings=(Finding("endpoint_http", Severity.NOTE, "url", {"url": "http://h", "n": 1, "ok": True, "x": None}),),
    )
    base = Endpoint(
        id="ep-1",
        name="tiny",
        base_url="http://127.0.0.1:8000/v1",
        served_name="tiny",
        origin=Origin.ATTACHED,
        server_key="address:127.0.0.1:8000",
        version_label="W8A8",
        version_verified=False,
        created_at=NOW,
        created_by="local",
        check=found,
    )
    return replace(base, **changes)


def workload(concurrencies: tuple[int, ...] = (1, 16), requests: int = 192, **changes: Any) -> Workload:
    """A closed-loop sweep, 128 tokens in and out."""
    points = tuple(LoadPoint(i, concurrency=c, requests=requests) for i, c in enumerate(concurrencies))
    return replace(Workload(128, 128, points), **changes)


def run(**changes: Any) -> Run:
    """A pending run of two points."""
    base = Run(
        id="run-1",
        endpoint_id="ep-1",
        model="tiny",
        version_label="W8A8",
        origin="attached",
        engine=Engine.SEATRIAL,
        workload=workload(),
        state=RunState.PENDING,
        seed=2_000_000_011,
        created_at=NOW,
        created_by="local",
        command=("seatrial", "bench", "--url", "http://127.0.0.1:8000/v1"),
        job_id="job-1",
        provenance={"endpoint": {"base_url": "http://127.0.0.1:8000/v1"}, "product_version": "0.1.0"},
    )
    return replace(base, **changes)


def distribution(middle: float, n: int = 192) -> Distribution:
    """Narrow, around ``middle``."""
    return Distribution(n, middle, 0.1, middle * 0.9, middle * 1.2, middle, middle * 1.05, middle * 1.1, middle * 1.15)


def measurement(point_index: int = 0, repeat: int = 0, **changes: Any) -> Measurement:
    """Every request succeeded: TTFT 200 ms, TPOT 20 ms."""
    base = Measurement(
        point_index=point_index,
        repeat=repeat,
        tool="seatrial",
        tool_version="0.1.0",
        seed=7,
        started_at=NOW,
        duration_s=12.5,
        concurrency=16,
        rate_per_s=None,
        requests=RequestCounts(192, 0, {}),
        input_tokens=24_576,
        output_tokens=24_576,
        requests_per_s=15.36,
        output_tokens_per_s=1966.08,
        total_tokens_per_s=3932.16,
        ttft_ms=distribution(200.0),
        tpot_ms=distribution(20.0),
        itl_ms=distribution(20.0, 24_384),
        e2el_ms=distribution(2740.0),
        peak_in_flight=16,
        steady=SteadyState(10.0, 150, 1980.0, distribution(200.0, 150), distribution(20.0, 150)),
    )
    return replace(base, **changes)


def job(**changes: Any) -> Job:
    """A queued benchmark."""
    base = Job(
        id="job-1",
        kind=JobKind.BENCHMARK,
        title="tiny: 1, 16",
        server_key="address:127.0.0.1:8000",
        created_at=NOW,
        created_by="local",
        steps_total=2,
        run_id="run-1",
    )
    return replace(base, **changes)


def progress(**changes: Any) -> Progress:
    """Half of the first point."""
    base = Progress(0, "1", 96, 192, "requests", 15.0, 6.4, NOW, {"output_tokens_per_s": 1900.5, "failed": 0})
    return replace(base, **changes)


def deployment(**changes: Any) -> Deployment:
    """A planned container."""
    spec = ContainerSpec(
        name="vllm_service",
        image="vllm/vllm-openai:v0.32.0",
        command=("vllm", "serve", "/weights/tiny"),
        mounts=(BindMount("/srv/weights", "/weights"),),
        ports=(PublishedPort(8000, 8000),),
        env={"A": "1"},
        secret_env={"VLLM_API_KEY": "deployment/d-1"},
    )
    base = Deployment("d-1", "vllm_service", spec, DeploymentState.PLANNED, "tiny", NOW, "local")
    return replace(base, **changes)
