"""What can be said of a benchmark before it runs. Sentences: render/texts [finding], codes ``bench_*``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.endpoint import Endpoint, EndpointCheck, Origin
from core.domain.finding import Finding, Severity, blocking
from core.domain.workload import Api, Arrival, LoadPoint, Workload

P99_REQUESTS = 100
"""Below it, a p99 is the slowest request or an interpolation next to it."""

_CHAT_TEMPLATE_TOKENS = 64
"""Room that a chat template usually takes beside the prompt."""


def benchmark_findings(request: BenchmarkRequest, endpoint: Endpoint) -> tuple[Finding, ...]:
    """Blocks, warnings and notes, by the request's field."""
    return (
        *workload_findings(request.workload),
        *_endpoint_findings(endpoint, request.workload.api),
        *_length_findings(request.workload, endpoint.check),
        *_engine_findings(request, endpoint),
    )


def workload_findings(workload: Workload) -> tuple[Finding, ...]:
    """Whether the numbers make a workload at all."""
    lowest = {
        "input_tokens": (workload.input_tokens, 1),
        "output_tokens": (workload.output_tokens, 1),
        "repeats": (workload.repeats, 1),
        "timeout_s": (workload.timeout_s, 1),
        "temperature": (workload.temperature, 0),
    }
    found = [_too_small(name, value, least) for name, (value, least) in lowest.items() if _is_below(value, least)]
    if not workload.points:
        found.append(Finding("bench_no_points", Severity.BLOCK, "concurrency"))
    for point in workload.points:
        found += _point_findings(point)
    once = [finding for number, finding in enumerate(found) if finding not in found[:number]]
    return (*once, *_few_requests(workload))


def _point_findings(point: LoadPoint) -> Iterator[Finding]:
    closed = point.arrival is Arrival.CLOSED
    if (closed or point.concurrency is not None) and (point.concurrency or 0) < 1:
        yield _too_small("concurrency", point.concurrency or 0, 1)
    if not closed and (point.rate_per_s or 0) <= 0:
        yield Finding("bench_rate_bad", Severity.BLOCK, "rate_per_s", {"value": point.rate_per_s})
    if point.warmup < 0:
        yield _too_small("warmup", point.warmup, 0)
    if (point.requests is None) == (point.duration_s is None):
        yield Finding("bench_no_end", Severity.BLOCK, "requests")
    elif point.duration_s is not None and point.duration_s <= 0:
        yield Finding("bench_no_end", Severity.BLOCK, "duration_s")
    if point.requests is None:
        return
    if point.requests < 1:
        yield _too_small("requests", point.requests, 1)
    elif closed and point.concurrency is not None and point.requests < point.concurrency:
        params = {"requests": point.requests, "concurrency": point.concurrency}
        yield Finding("bench_requests_below_concurrency", Severity.BLOCK, "requests", params)


def _few_requests(workload: Workload) -> Iterator[Finding]:
    counts = [point.requests * workload.repeats for point in workload.points if point.requests]
    if counts and min(counts) < P99_REQUESTS:
        params = {"requests": min(counts), "enough": P99_REQUESTS}
        yield Finding("bench_few_requests", Severity.NOTE, "requests", params)


def _endpoint_findings(endpoint: Endpoint, api: Api) -> Iterator[Finding]:
    if endpoint.archived_at is not None:
        yield Finding("bench_endpoint_archived", Severity.BLOCK, "endpoint_id", {"name": endpoint.name})
    if endpoint.check is None:
        yield Finding("bench_not_checked", Severity.WARN, "endpoint_id", {"name": endpoint.name})
        return
    yield from _check_findings(endpoint.check, api)
    if endpoint.origin is Origin.SIMULATED or endpoint.check.simulated:
        yield Finding("endpoint_simulated", Severity.NOTE, "endpoint_id")


def _check_findings(check: EndpointCheck, api: Api) -> Iterator[Finding]:
    """What the last check said against measuring, in its own words. A trial answer that failed does not stop anybody:
    the measurement counts failures."""
    said = blocking(check.findings)
    only_the_trial = check.reachable and check.served_name is not None and check.streams is None
    yield from (replace(finding, severity=Severity.WARN) if only_the_trial else finding for finding in said)
    if not said and not check.reachable:
        yield Finding("bench_unreachable", Severity.BLOCK, "endpoint_id")
    elif not said and check.streams is False:
        yield Finding("bench_no_stream", Severity.BLOCK, "endpoint_id")
    for finding in check.findings:
        if finding.code == "endpoint_no_chat" and api is Api.CHAT:
            yield Finding(finding.code, Severity.BLOCK, "api", finding.params)
        if finding.code == "endpoint_no_usage":
            yield finding


def _length_findings(workload: Workload, check: EndpointCheck | None) -> Iterator[Finding]:
    if check is None or not check.reachable:
        return
    limit, total = check.max_model_len, workload.input_tokens + workload.output_tokens
    if limit is None:
        yield Finding("bench_context_unknown", Severity.NOTE, "input_tokens")
    elif total > limit:
        params = {"input": workload.input_tokens, "output": workload.output_tokens, "total": total, "limit": limit}
        yield Finding("bench_over_context", Severity.BLOCK, "input_tokens", params)
    elif workload.api is Api.CHAT and total + _CHAT_TEMPLATE_TOKENS > limit:
        yield Finding("bench_chat_near_context", Severity.WARN, "input_tokens", {"total": total, "limit": limit})
    if check.vocabulary_size is None and workload.api is Api.COMPLETIONS:
        yield Finding("bench_vocabulary_unknown", Severity.NOTE, "endpoint_id")


def _engine_findings(request: BenchmarkRequest, endpoint: Endpoint) -> Iterator[Finding]:
    if request.engine is not Engine.VLLM_BENCH:
        return
    if endpoint.deployment_id is None:
        yield Finding("bench_engine_needs_container", Severity.BLOCK, "engine", {"name": endpoint.name})
    if any(point.requests is None and not (point.duration_s and point.rate_per_s) for point in request.workload.points):
        yield Finding("bench_engine_needs_requests", Severity.BLOCK, "requests")


def _is_below(value: float, least: float) -> bool:
    """What is not a finite number is below everything."""
    return not isfinite(value) or value < least


def _too_small(field: str, value: float, least: float) -> Finding:
    shown = value if isfinite(value) else None
    return Finding("bench_too_small", Severity.BLOCK, field, {"value": shown, "least": least})
