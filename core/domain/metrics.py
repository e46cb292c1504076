"""What is measured, declared once: keys, units, which way is better, formulas and where they come from.

docs/METRICS.md is generated from here (scripts/metrics_doc.py). The words that a person reads are in render/texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_VLLM = "vLLM, `vllm bench serve` (vllm/benchmarks/lib/endpoint_request_func.py and serve.py)"
_OWN = "Seatrial"


class Better(StrEnum):
    """Which way a figure improves."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True)
class Metric:
    """``key`` is the field's name in a Measurement, in JSON and in files; the unit is part of it. ``distributed``: a
    summary (n, mean, std, min, max, p50, p90, p95, p99) instead of one number."""

    key: str
    unit: str
    better: Better
    formula: str
    source: str
    distributed: bool = False
    note: str = ""


LATENCIES = (
    Metric(
        "ttft_ms",
        "ms",
        Better.LOWER,
        "time of the first output chunk - time at which the request's first byte was written",
        _VLLM,
        distributed=True,
        note="Connections are open before; opening one is never inside. The first output chunk carries text or "
        "reasoning (`reasoning`, `reasoning_content`); a chat's first chunk that only names the role is none. An "
        "empty text without a role is output: a token whose characters are not complete yet.",
    ),
    Metric(
        "tpot_ms",
        "ms",
        Better.LOWER,
        "(e2el - ttft) / (output tokens - 1), per request",
        _VLLM,
        distributed=True,
        note="Needs two output tokens. The mean is over requests, not over tokens.",
    ),
    Metric(
        "itl_ms",
        "ms",
        Better.LOWER,
        "gaps between successive output chunks of a request, pooled over all requests",
        _VLLM,
        distributed=True,
        note="A chunk may carry several tokens (speculative decoding), so that this is not time per token. Chunks that "
        "arrive in one read have a gap of 0.",
    ),
    Metric(
        "e2el_ms",
        "ms",
        Better.LOWER,
        "time of the last output chunk - time at which the request's first byte was written",
        _VLLM,
        distributed=True,
    ),
)

RATES = (
    Metric(
        "output_tokens_per_s",
        "tokens/s",
        Better.HIGHER,
        "sum of completion_tokens of succeeded requests / duration",
        _VLLM,
    ),
    Metric(
        "total_tokens_per_s",
        "tokens/s",
        Better.HIGHER,
        "sum of prompt_tokens and completion_tokens of succeeded requests / duration",
        _VLLM,
    ),
    Metric("requests_per_s", "requests/s", Better.HIGHER, "succeeded requests / duration", _VLLM),
)

COUNTS = (
    Metric(
        "duration_s",
        "s",
        Better.NEITHER,
        "end of the last request - start of the point",
        _VLLM,
        note="Warm-up, connecting and reading the answers are outside. A point that ends by time ends when what was "
        "sent is answered.",
    ),
    Metric(
        "requests",
        "requests",
        Better.NEITHER,
        "succeeded, failed, and failed by kind",
        _OWN,
        note="Succeeded: HTTP 2xx, some output, and an orderly end (`finish_reason` or `[DONE]`). Nothing is retried.",
    ),
    Metric("input_tokens", "tokens", Better.NEITHER, "sum of usage.prompt_tokens of succeeded requests", _VLLM),
    Metric(
        "output_tokens",
        "tokens",
        Better.NEITHER,
        "sum of usage.completion_tokens of succeeded requests",
        _OWN,
        note="Always the server's count, never the number of chunks. A server that tells none leaves it unknown.",
    ),
    Metric(
        "peak_in_flight",
        "requests",
        Better.NEITHER,
        "most requests between their first byte written and their end at any moment",
        _OWN,
    ),
)

STEADY_STATE = (
    Metric(
        "steady.duration_s",
        "s",
        Better.NEITHER,
        "from the first to the last moment at which at least 95 % of a closed loop's streams were busy",
        "vllm-rs bench serve, steady state (threshold 0.95)",
    ),
    Metric("steady.requests", "requests", Better.NEITHER, "requests that began and ended in the window", _OWN),
    Metric(
        "steady.output_tokens_per_s",
        "tokens/s",
        Better.HIGHER,
        "output tokens that arrived in the window / its duration; a request's chunks count the same",
        _OWN,
    ),
    Metric("steady.ttft_ms", "ms", Better.LOWER, "TTFT of those requests", _OWN, distributed=True),
    Metric("steady.tpot_ms", "ms", Better.LOWER, "TPOT of those requests", _OWN, distributed=True),
)

CLIENT = (
    Metric("client.processes", "processes", Better.NEITHER, "processes that shared the streams", _OWN),
    Metric("client.cpu_s", "s", Better.LOWER, "user and system time of all of them, from their start", _OWN),
    Metric(
        "client.lateness_p99_ms",
        "ms",
        Better.LOWER,
        "99th percentile of (time sent - time due)",
        _OWN,
        note="Open loop: due by the schedule, waiting for the cap included. Closed loop: due when the stream's last "
        "answer had ended.",
    ),
    Metric(
        "client.loop_lag_p99_ms",
        "ms",
        Better.LOWER,
        "99th percentile of how late a tick due every 20 ms came",
        _OWN,
        note="An idle loop reads 1 to 2 ms.",
    ),
    Metric("client.host_cpu_share", "share", Better.LOWER, "busy share of all CPUs of the measuring machine", _OWN),
    Metric(
        "client.others_cpu_share",
        "share",
        Better.LOWER,
        "host_cpu_share - cpu_s / (CPUs x time): what the measuring machine did beside measuring, at least",
        _OWN,
        note="Where the server runs on the same machine, that is the server.",
    ),
)

_VLLM_METRICS = "vLLM's /metrics"
SERVER = (
    Metric(
        "server_metrics.prefix_cache_hit_share",
        "share",
        Better.NEITHER,
        "prefix_cache_hits_total / prefix_cache_queries_total, counted from before the warm-up to after the point",
        _VLLM_METRICS,
    ),
    Metric(
        "server_metrics.kv_cache_usage_max",
        "share",
        Better.NEITHER,
        "largest kv_cache_usage_perc of the looks within the point",
        _VLLM_METRICS,
    ),
    Metric(
        "server_metrics.requests_running_mean",
        "requests",
        Better.NEITHER,
        "mean of num_requests_running over the looks; requests_running_max, requests_waiting_mean and _max likewise",
        _VLLM_METRICS,
    ),
    Metric("server_metrics.preemptions", "requests", Better.LOWER, "growth of num_preemptions_total", _VLLM_METRICS),
    Metric(
        "server_metrics.mtp_acceptance_share",
        "share",
        Better.HIGHER,
        "spec_decode_num_accepted_tokens / spec_decode_num_draft_tokens",
        _VLLM_METRICS,
        note="On random prompts it says nothing about real text.",
    ),
    Metric(
        "server_metrics.mtp_tokens_per_step",
        "tokens",
        Better.HIGHER,
        "1 + spec_decode_num_accepted_tokens / spec_decode_num_drafts",
        _VLLM_METRICS,
    ),
)
"""The server's own view: two looks a second at first, later one every two seconds; the looks themselves are kept as
``server-metrics-<point>-<repeat>.jsonl.gz``. Counters stand there under vLLM's own names too."""

SECTIONS = {
    "Latencies": LATENCIES,
    "Rates": RATES,
    "Counts": COUNTS,
    "Steady state": STEADY_STATE,
    "The measuring side": CLIENT,
    "The server's own view": SERVER,
}
"""Headings of the document, in its order."""

METRICS = {metric.key: metric for section in SECTIONS.values() for metric in section}
"""Every metric by its key."""

FAILURE_KINDS = {
    "connect": "no connection: refused, unreachable, or the TLS handshake failed",
    "timeout": "not finished within the request's time limit",
    "disconnected": "the connection was lost before any output",
    "truncated": "output began, and the stream ended without `finish_reason` and `[DONE]`",
    "over_length": "HTTP 400 (413, 422) whose words are about the context length",
    "http_<status>": "refused with any other HTTP status: `http_429`, `http_500` ...",
    "empty": "HTTP 200 and an orderly end without any output",
    "bad_answer": "not the API's language: HTML, or neither JSON nor server-sent events",
    "stream_error": "an error reported inside a stream that had begun with HTTP 200",
    "not_sent": "its turn never came: the server had stopped answering, and the point ended early",
}
"""How a request can fail. Failed requests enter no latency, rate or token count."""

WARNINGS = {
    "no_usage": "the server told no token counts: rates in tokens are too low, TPOT is unknown",
    "input_length_off": "prompt_tokens differ from the wanted lengths by more than 1 % in sum",
    "output_length_off": "completion_tokens differ from the wanted lengths by more than 1 % in sum",
    "prompt_length_approximate": "the server counts no tokens for us, or counts whole prompts more than 1 % otherwise "
    "than their words",
    "warmup_failed": "at least one warm-up request failed",
    "client_starved": "the p99 of the generator's own loop lag exceeds 5 ms and 5 % of the median TTFT: the measuring "
    "machine was too busy, and the latencies are too high",
    "host_busy": "more than half of the measuring machine's CPU time went to other work than measuring, and the server "
    "runs elsewhere",
    "sent_late": "open loop: the p99 of the requests' lateness exceeds 100 ms, so the rate was not offered in full",
    "many_failures": "more than 5 % of the requests failed: the point enters no best figure, no peak and no average",
    "prompts_cached": "more than 5 % of the prompt tokens came from the prefix cache, although every prompt was new "
    "and nothing was shared on purpose",
    "no_per_request_records": "the result holds no single requests, so it has no percentiles",
    "import_tpot_renamed": "AIPerf: its inter-token latency is TPOT, its inter-chunk latency is ITL",
    "import_tpot_own": "GuideLLM: TPOT from the single requests (its inter-token latency); its own time per output "
    "token counts the first token in",
    "import_no_tpot": "GuideLLM: the file holds a part of the requests, and its summary is weighted by tokens",
    "import_no_itl": "the tool does not tell the pooled gaps between chunks, or not over how many they are taken",
    "import_e2el_stream": "GuideLLM: E2EL ends with the stream, not with the last token",
    "import_no_std": "EvalScope: no standard deviation",
    "import_cut_short": "the tool's run was cancelled or incomplete",
}
"""What may stand in a Measurement's ``warnings``."""
