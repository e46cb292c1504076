"""What can be said of a benchmark before it runs. Sentences: render/texts [finding], codes ``bench_*``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from core.domain.benchmark import MEASURING, BenchmarkRequest, Engine
from core.domain.endpoint import Endpoint, EndpointCheck, Origin
from core.domain.finding import Finding, Severity, blocking
from core.domain.limits import ServingLimits
from core.domain.workload import Api, Workload
from core.domain.workload_rules import workload_findings

_CHAT_TEMPLATE_TOKENS = 64
"""Room that a chat template usually takes beside the prompt."""
_RATIO_TOLERANCE = 0.02
_NO_TEST_REQUEST_FROM = (0, 17)
"""vLLM 0.9.2 sends the first measured prompt once before the run, as a test; 0.17 and 0.32 do not (their source)."""


def benchmark_findings(
    request: BenchmarkRequest, endpoint: Endpoint, limits: ServingLimits | None = None
) -> tuple[Finding, ...]:
    """Blocks, warnings and notes, by the request's field."""
    return (
        *workload_findings(request.workload),
        *endpoint_findings(endpoint, request.workload.api),
        *_length_findings(request.workload, endpoint.check),
        *limit_findings(request.workload, limits or ServingLimits()),
        *_engine_findings(request, endpoint),
    )


def endpoint_findings(endpoint: Endpoint, api: Api) -> Iterator[Finding]:
    """What is known of the endpoint that speaks against asking it anything."""
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
    if not check.writes:
        yield Finding(f"bench_{check.task}", Severity.BLOCK, "endpoint_id")
        return
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
    longest, output = workload.longest_input, workload.longest_output
    limit, total = check.max_model_len, longest + output
    if workload.dataset is not None:
        yield from _file_findings(workload, limit)
    elif limit is None:
        yield Finding("bench_context_unknown", Severity.NOTE, "input_tokens")
    elif total > limit:
        params = {"input": longest, "output": output, "total": total, "limit": limit}
        yield Finding("bench_over_context", Severity.BLOCK, "input_tokens", params)
    elif workload.api is Api.CHAT and total + _CHAT_TEMPLATE_TOKENS > limit:
        yield Finding("bench_chat_near_context", Severity.WARN, "input_tokens", {"total": total, "limit": limit})
    if check.vocabulary_size is None and workload.api is Api.COMPLETIONS and workload.dataset is None:
        yield Finding("bench_vocabulary_unknown", Severity.NOTE, "endpoint_id")


def _file_findings(workload: Workload, limit: int | None) -> Iterator[Finding]:
    """A file's lengths are a guess; what turns out too long is refused by the server and counted."""
    dataset = workload.dataset
    if dataset is None or limit is None:
        return
    output = dataset.output_tokens or workload.output_tokens
    mean = None if dataset.input_tokens is None else dataset.input_tokens + output
    longest = dataset.longest_total or (dataset.longest_input and dataset.longest_input + output)
    if mean is not None and mean > limit:
        yield Finding("bench_file_over_context", Severity.WARN, "dataset", {"total": mean, "limit": limit})
    elif longest and longest > limit:
        yield Finding("bench_file_some_over_context", Severity.WARN, "dataset", {"total": longest, "limit": limit})


def limit_findings(workload: Workload, limits: ServingLimits) -> Iterator[Finding]:
    """What this deployment would drop or queue, by the profile it was started with."""
    most = max((point.concurrency or 0 for point in workload.points), default=0)
    if limits.max_input is not None and workload.longest_input > limits.max_input and workload.dataset is None:
        params = {"input": workload.longest_input, "limit": limits.max_input, "profile": limits.name}
        yield Finding("bench_over_input", Severity.BLOCK, "input_tokens", params, source=limits.source)
    longest = workload.dataset.longest_input if workload.dataset else None
    if limits.max_input is not None and longest and longest > limits.max_input:
        params = {"input": longest, "limit": limits.max_input, "profile": limits.name}
        yield Finding("bench_file_over_input", Severity.WARN, "dataset", params, source=limits.source)
    if limits.max_concurrency is not None and most > limits.max_concurrency:
        params = {"concurrency": most, "limit": limits.max_concurrency, "profile": limits.name}
        yield Finding("bench_over_concurrency", Severity.WARN, "concurrency", params, source=limits.source)
    elif limits.max_sequences is not None and most > limits.max_sequences:
        params = {"concurrency": most, "limit": limits.max_sequences}
        yield Finding("bench_over_sequences", Severity.WARN, "concurrency", params)
    if limits.has_mtp and workload.dataset is None:
        yield Finding("bench_mtp_random", Severity.NOTE, "dataset")


def _engine_findings(request: BenchmarkRequest, endpoint: Endpoint) -> Iterator[Finding]:
    if request.engine not in MEASURING:
        yield Finding("bench_engine_imported", Severity.BLOCK, "engine", {"engine": request.engine.value})
    if request.engine is not Engine.VLLM_BENCH:
        return
    workload = request.workload
    if endpoint.deployment_id is None:
        yield Finding("bench_engine_needs_container", Severity.BLOCK, "engine", {"name": endpoint.name})
    if any(point.requests is None and not (point.duration_s and point.rate_per_s) for point in workload.points):
        yield Finding("bench_engine_needs_requests", Severity.BLOCK, "requests")
    for field in _not_for_vllm_bench(workload):
        yield Finding("bench_engine_cannot", Severity.BLOCK, field, {"what": field})
    yield from _otherwise_in_vllm_bench(workload, endpoint.check)


def _otherwise_in_vllm_bench(workload: Workload, check: EndpointCheck | None) -> Iterator[Finding]:
    """What it does in another way than our own generator."""
    warmup = max((point.warmup for point in workload.points), default=0)
    if warmup:
        yield Finding("bench_engine_warmup", Severity.NOTE, "warmup", {"warmup": warmup})
    yield Finding("bench_engine_no_time_limit", Severity.NOTE, "timeout_s", {"timeout_s": workload.timeout_s})
    version = check.server_version if check else None
    numbers = tuple(int(part) for part in re.findall(r"\d+", version or "")[:2])
    if numbers and numbers < _NO_TEST_REQUEST_FROM:
        yield Finding("bench_engine_first_prompt", Severity.WARN, "engine", {"version": version})


def _not_for_vllm_bench(workload: Workload) -> Iterator[str]:
    """What its ``random`` data set does not do in every version: it varies both lengths evenly, by the same share."""
    if workload.turns > 1:
        yield "turns"
    if workload.dataset is not None:
        yield "dataset"
    if (workload.input_spread or workload.output_spread) and range_ratio(workload) is None:
        yield "input_spread"


def range_ratio(workload: Workload) -> float | None:
    """The share by which both lengths vary evenly around their middle; None where they do not."""
    pairs = ((workload.input_tokens, workload.input_spread), (workload.output_tokens, workload.output_spread))
    ratios = []
    for mean, spread in pairs:
        if spread is None or spread.std is not None or abs((spread.low + spread.high) / 2 - mean) > 1:
            return None
        ratios.append((spread.high - mean) / mean)
    return round(ratios[0], 3) if abs(ratios[0] - ratios[1]) < _RATIO_TOLERANCE else None
