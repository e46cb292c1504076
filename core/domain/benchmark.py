"""Benchmark requests, plans, runs and measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from core.domain.finding import Finding
from core.domain.workload import Workload

T = TypeVar("T")


class Engine(StrEnum):
    """Which load generator measures: our own, or ``vllm bench serve`` inside the service's container."""

    SEATRIAL = "seatrial"
    VLLM_BENCH = "vllm-bench"


@dataclass(frozen=True)
class BenchmarkRequest:
    """What a person asks for. ``seed`` None: a fresh one is drawn and recorded when the run is made."""

    endpoint_id: str
    workload: Workload
    engine: Engine = Engine.SEATRIAL
    note: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class BenchmarkPlan:
    """What will happen: shown before anything does. ``command`` reproduces the run from a shell; ``tool_commands`` are
    the children's own argv, one per point. ``fingerprint`` changes when the endpoint or the request does."""

    request: BenchmarkRequest
    command: tuple[str, ...]
    tool_commands: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    estimate_s: float | None
    fingerprint: str


@dataclass(frozen=True)
class Distribution:
    """Summary of one metric over ``n`` values (milliseconds, or its unit). Percentiles interpolate linearly."""

    n: int
    mean: float
    std: float
    min: float
    max: float
    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True)
class RequestCounts:
    """``failures`` counts by kind: connect, timeout, http_400, http_429, http_500, truncated, over_length, ..."""

    succeeded: int
    failed: int
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SteadyState:
    """The window in which at least 95 % of the streams were busy; None where there was none."""

    duration_s: float
    requests: int
    output_tokens_per_s: float
    ttft_ms: Distribution | None
    tpot_ms: Distribution | None


@dataclass(frozen=True)
class ClientHealth:
    """Whether the measuring side kept up. Lateness: how long after its due time a request was sent (open loop) or
    the loop ran behind. Shares are 0..1 of one machine."""

    processes: int
    cpu_s: float
    lateness_p99_ms: float | None
    loop_lag_p99_ms: float | None
    host_cpu_share: float | None


@dataclass(frozen=True)
class Measurement:
    """One load point, one repeat. Rates are over ``duration_s`` of the whole point, warm-up apart."""

    point_index: int
    repeat: int
    tool: str
    tool_version: str
    seed: int
    started_at: datetime
    duration_s: float
    concurrency: int | None
    rate_per_s: float | None
    requests: RequestCounts
    input_tokens: int
    output_tokens: int
    requests_per_s: float
    output_tokens_per_s: float
    total_tokens_per_s: float
    ttft_ms: Distribution | None
    tpot_ms: Distribution | None
    itl_ms: Distribution | None
    e2el_ms: Distribution | None
    peak_in_flight: int | None = None
    steady: SteadyState | None = None
    client: ClientHealth | None = None
    server_metrics: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()


class RunState(StrEnum):
    """A run's own word. Partial: it ended early and keeps its finished points."""

    PENDING = "pending"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """One sweep and everything needed to believe and repeat it. ``provenance`` holds snapshots (docs/ARCHITECTURE.md):
    endpoint, check, server version, tool and version, container spec, image digest, host, product version."""

    id: str
    endpoint_id: str
    model: str
    version_label: str
    origin: str
    engine: Engine
    workload: Workload
    state: RunState
    seed: int
    created_at: datetime
    created_by: str
    command: tuple[str, ...]
    note: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    job_id: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRow:
    """A run in a list: no JSON is parsed and no artifact is read to draw it."""

    id: str
    model: str
    version_label: str
    origin: str
    engine: str
    state: RunState
    created_at: datetime
    created_by: str
    input_tokens: int
    output_tokens: int
    points_done: int
    points_total: int
    best_output_tokens_per_s: float | None
    lowest_ttft_p50_ms: float | None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, and how many rows there are in all."""

    rows: tuple[T, ...]
    total: int
    offset: int


def requests_artifact(point_index: int, repeat: int) -> str:
    """The name of the artifact with one line per request of a (point, repeat)."""
    return f"requests-p{point_index}-r{repeat}.jsonl"
