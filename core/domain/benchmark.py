"""Benchmark requests, plans, runs and measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from core.domain.finding import Finding
from core.domain.limits import LeftOut
from core.domain.workload import Workload

T = TypeVar("T")


class Engine(StrEnum):
    """Which load generator measured: our own, ``vllm bench serve`` inside the service's container, or one whose result
    was imported."""

    SEATRIAL = "seatrial"
    VLLM_BENCH = "vllm-bench"
    EVALSCOPE_PERF = "evalscope-perf"
    GUIDELLM = "guidellm"
    AIPERF = "aiperf"


MEASURING = (Engine.SEATRIAL, Engine.VLLM_BENCH)
"""What can be started from here."""
UNDRAWN = "MARK"
"""In a plan's commands: what the worker draws when it starts them."""
FAILED_SHARE_LIMIT = 0.05
"""A point of which more has failed is marked, and enters no best figure, no peak and no average."""


def is_sound(succeeded: int, failed: int) -> bool:
    """Whether figures of so many requests stand for their load: see FAILED_SHARE_LIMIT."""
    return succeeded > 0 and failed <= FAILED_SHARE_LIMIT * (succeeded + failed)


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
class GridPlan:
    """Several lengths at once: a plan for each pair, and the cells that would not be served."""

    plans: tuple[BenchmarkPlan, ...]
    left_out: tuple[LeftOut, ...]
    command: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every plan's, each once."""
        found: list[Finding] = []
        for plan in self.plans:
            found += [finding for finding in plan.findings if finding not in found]
        return tuple(found)

    @property
    def requests(self) -> int:
        """All of them together."""
        loads = [plan.request.workload for plan in self.plans]
        return sum((point.requests or 0) * load.repeats for load in loads for point in load.points)

    @property
    def estimate_s(self) -> float | None:
        """All of them together; None where one of them cannot be foreseen."""
        known = [plan.estimate_s for plan in self.plans if plan.estimate_s is not None]
        return sum(known) if known and len(known) == len(self.plans) else None


@dataclass(frozen=True)
class Distribution:
    """Summary of one metric over ``n`` values (milliseconds, or its unit). Percentiles interpolate linearly. ``std``
    None: an imported result that does not tell it."""

    n: int
    mean: float
    std: float | None
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
    the loop ran behind. Shares are 0..1 of all CPUs of the measuring machine; ``others_cpu_share`` is what was busy
    with anything but measuring."""

    processes: int
    cpu_s: float | None
    lateness_p99_ms: float | None
    loop_lag_p99_ms: float | None
    host_cpu_share: float | None
    others_cpu_share: float | None = None


@dataclass(frozen=True)
class Measurement:
    """One load point, one repeat. Rates are over ``duration_s`` of the whole point, warm-up apart. ``seed`` None: an
    imported result that does not tell it. ``server_metrics``: what the server counted meanwhile, and a summary of its
    gauges (core.formats.vllm_metrics)."""

    point_index: int
    repeat: int
    tool: str
    tool_version: str
    seed: int | None
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

    @property
    def is_sound(self) -> bool:
        """Whether so few requests failed that its figures stand for the load."""
        return is_sound(self.requests.succeeded, self.requests.failed)


UNKNOWN_VERSION = "unknown"
"""A tool's version that its result does not tell."""


class RunKind(StrEnum):
    """What a run measured: speed under load, or answers to a dataset."""

    SWEEP = "sweep"
    EVALUATION = "evaluation"


class RunState(StrEnum):
    """A run's own word. Partial: it ended early and keeps its finished points."""

    PENDING = "pending"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RunHead:
    """What every run is, whatever it measured, and everything needed to believe and repeat it. ``provenance`` holds
    snapshots (docs/ARCHITECTURE.md): endpoint, check, server version, tool and version, container spec, image digest,
    platform, profile, host, product version; history filters by what ``run_identity`` reads there.

    ``parts_total`` counts the steps (an evaluation's datasets), ``workload_label`` names what was asked and
    ``workload_key`` is equal where two runs may be compared; a sweep leaves the three to its workload."""

    id: str
    endpoint_id: str
    model: str
    version_label: str
    origin: str
    engine: str
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
    kind: RunKind = RunKind.SWEEP
    parts_total: int | None = None
    workload_label: str | None = None
    workload_key: str | None = None
    tags: tuple[str, ...] = ()
    archived_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Run(RunHead):
    """One sweep."""

    engine: Engine
    workload: Workload


_BETWEEN_TOOLS = ", "


def tool_words(run: RunHead, measurements: Sequence[Measurement]) -> str:
    """What measured, each tool with its version: ``vllm bench serve 0.32.0``. Before anything is measured, what the run
    was started with."""
    told = [(one.tool, one.tool_version) for one in measurements]
    asked = (str(run.provenance.get("tool") or ""), str(run.provenance.get("tool_version") or ""))
    return _BETWEEN_TOOLS.join(sorted({_named(*one) for one in told or [asked]}))


def with_tool(words: str, measurement: Measurement) -> str:
    """``tool_words`` of what was measured so far, and of one measurement more."""
    known = words.split(_BETWEEN_TOOLS) if words else []
    return _BETWEEN_TOOLS.join(sorted({*known, _named(measurement.tool, measurement.tool_version)}))


def _named(tool: str, version: str) -> str:
    return " ".join(word for word in (tool, version) if word and word != UNKNOWN_VERSION)


@dataclass(frozen=True)
class RunRow:
    """A run in a list: no document is parsed and no artifact is read to draw it. ``version_key`` and ``workload_key``
    are equal where version and workload are; ``tool`` as ``tool_words`` has it; ``score`` (0..1) is an evaluation's
    headline."""

    id: str
    model: str
    version_label: str
    origin: str
    engine: str
    state: RunState
    created_at: datetime
    created_by: str
    input_tokens: int | None
    output_tokens: int | None
    points_done: int
    points_total: int
    best_output_tokens_per_s: float | None
    lowest_ttft_p50_ms: float | None
    kind: RunKind = RunKind.SWEEP
    endpoint_id: str = ""
    version_key: str = ""
    platform: str | None = None
    profile: str | None = None
    image: str | None = None
    workload_key: str = ""
    workload_label: str = ""
    tool: str = ""
    score: float | None = None
    tags: tuple[str, ...] = ()
    archived_at: datetime | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, and how many rows there are in all."""

    rows: tuple[T, ...]
    total: int
    offset: int


def requests_artifact(point_index: int, repeat: int) -> str:
    """The name of the artifact with one line per request of a (point, repeat)."""
    return f"requests-p{point_index}-r{repeat}.jsonl"


def server_metrics_artifact(point_index: int, repeat: int) -> str:
    """The name of the artifact with one line per look at the server's own metrics: JSON lines, packed with gzip."""
    return f"server-metrics-{point_index}-{repeat}.jsonl.gz"
