"""``vllm bench serve``: its arguments, its progress, its result. Read against vLLM 0.9.2, 0.17 and 0.32."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from math import isfinite
from typing import Any

from core.domain.benchmark import ClientHealth, Measurement, RequestCounts
from core.domain.benchmark_rules import range_ratio
from core.domain.statistics import summarize
from core.domain.workload import Api, Arrival, BenchFiles, LoadPoint, Workload
from core.errors import BadInput, OutputNotUnderstood
from core.formats import vllm_serve

TOOL = "vllm bench serve"
RUST_TOOL = "vllm-rs bench serve"
RUST_PROBE = (
    "sh",
    "-c",
    "p=$(python3 -c 'import importlib.util as u; print(u.find_spec(\"vllm\").submodule_search_locations[0])')/vllm-rs;"
    ' [ -x "$p" ] && echo "$p"',
)
"""Prints where the official images from vLLM 0.33 on keep a client written in Rust. vLLM itself is not imported."""
KEY_VARIABLE = "OPENAI_API_KEY"
"""The tool sends this variable's value as its bearer token."""
NO_RECORDS = "no_per_request_records"
"""A measurement's warning: the result holds no per-request values, so that nothing can be summed up from them."""
OWN_RESULT_DIR = "/tmp/seatrial-bench"
_BACKENDS = {
    Api.COMPLETIONS: ("openai", "/v1/completions"),
    Api.CHAT: ("openai-chat", "/v1/chat/completions"),
}
_DETAIL_LIMIT = 300
_EVEN_BURSTINESS = "1000000"
"""Arrivals are gamma-distributed with this shape: the larger, the more even."""
_ENDPOINT_TYPE_BEFORE = (0, 11)
_BAR = re.compile(r"\|\s*(\d+)/(\d+)\s*\[")


@dataclass(frozen=True)
class BenchTarget:
    """The server, as it is seen from inside its container. ``model`` is the weights' path there (the tool loads the
    tokenizer from it); ``version`` of vLLM where it is known."""

    model: str
    served_name: str
    port: int
    host: str = "127.0.0.1"
    version: str | None = None
    trust_remote_code: bool = False


def target_of(command: Sequence[str], served_name: str, version: str | None) -> BenchTarget | None:
    """The server that a container's command starts; None where it is no vLLM's."""
    serve = vllm_serve.parse(command)
    if serve is None or serve.model is None:
        return None
    trust = "--trust-remote-code" in serve.args
    found = BenchTarget(serve.model, served_name, serve.port, version=version, trust_remote_code=trust)
    return found if serve.host in {None, "0.0.0.0", "::"} else replace(found, host=str(serve.host))


def requests_of(point: LoadPoint) -> int | None:
    """How many requests the point takes; None where only its duration is known, which the tool cannot do."""
    if point.requests is not None:
        return point.requests
    if point.duration_s is not None and point.rate_per_s is not None:
        return max(1, round(point.rate_per_s * point.duration_s))
    return None


def argv(
    target: BenchTarget, workload: Workload, point: LoadPoint, seed: int | str, result_dir: str, result_filename: str
) -> tuple[str, ...]:
    """The guide's arguments in its order, then ours. Without a seed every call would send the same prompts and measure
    the prefix cache; without a temperature newer builds sample. ``seed``: a word stands for one that is not drawn yet.
    Raises BadInput (vllm_bench_needs_requests)."""
    requests = requests_of(point)
    if requests is None:
        raise BadInput("vllm_bench_needs_requests", field="requests")
    asked = _asked(target, workload, point, requests)
    saved = ("--save-result", "--result-dir", result_dir, "--result-filename", result_filename)
    told = ("--save-detailed", "--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,90,95,99")
    return (*asked, *saved, *_ours(target, workload, seed), *told, *_more(target, workload, point))


def warmup_argv(target: BenchTarget, workload: Workload, point: LoadPoint, seed: int) -> tuple[str, ...] | None:
    """A call of its own before the point, nothing of which is kept: ``--num-warmups`` sends the first *measured* prompt
    (seen with 0.32), so that a prefix cache answers it later. ``seed`` is another than the point's. None where the
    point has no warm-up."""
    if point.warmup < 1:
        return None
    streams = min(point.warmup, point.concurrency or point.warmup)
    alone = replace(point, arrival=Arrival.CLOSED, rate_per_s=None, concurrency=streams)
    asked = _asked(target, workload, alone, point.warmup)
    return (*asked, *_ours(target, workload, seed), *_more(target, workload, alone))


def _asked(target: BenchTarget, workload: Workload, point: LoadPoint, requests: int) -> tuple[str, ...]:
    """Server, prompts and load."""
    host = workload.bench_files.host if workload.bench_files else target.host
    words = ["vllm", "bench", "serve", "--host", host, "--port", str(target.port), "--model", target.model]
    words += ["--dataset-name", "random", "--num-prompts", str(requests)]
    own = str(workload.input_tokens - _shared(workload))
    words += ["--random-input-len", own, *(["--ignore-eos"] if workload.ignore_eos else [])]
    words += ["--random-output-len", str(workload.output_tokens)]
    if point.concurrency is not None:
        words += ["--max-concurrency", str(point.concurrency)]
    return (*words, "--served-model-name", target.served_name)


def _spread(workload: Workload) -> Iterator[str]:
    """Both lengths vary evenly by one share (core.domain.benchmark_rules lets nothing else through)."""
    shared = _shared(workload)
    ratio = range_ratio(workload) if workload.input_spread or workload.output_spread else None
    if ratio:
        yield from ("--random-range-ratio", f"{ratio:g}")
    if shared:
        yield from ("--random-prefix-len", str(shared))


def _shared(workload: Workload) -> int:
    """Tokens that every prompt begins with."""
    return round(workload.prefix_share * workload.input_tokens)


def result_path(workload: Workload, point_index: int, repeat: int, mark: str) -> tuple[str, str]:
    """Folder and file of one call's result: what the request names, with point and repeat where there are several;
    else a file of ours that is cleared afterwards."""
    files = workload.bench_files or BenchFiles()
    name = files.result_filename or f"{mark}.json"
    if files.result_filename and len(workload.points) * workload.repeats > 1:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem or ending}-p{point_index}-r{repeat}{dot}{ending if stem else ''}"
    return files.result_dir or OWN_RESULT_DIR, name


def _ours(target: BenchTarget, workload: Workload, seed: int | str) -> Iterator[str]:
    backend, endpoint = _BACKENDS[workload.api]
    yield from ("--backend", backend, "--endpoint", endpoint)
    if target.version is not None and _numbers(target.version) < _ENDPOINT_TYPE_BEFORE:
        yield from ("--endpoint-type", backend)
    yield from ("--seed", str(seed), "--temperature", f"{workload.temperature:g}")


def _more(target: BenchTarget, workload: Workload, point: LoadPoint) -> Iterator[str]:
    """What only some workloads need."""
    if workload.top_p is not None:
        yield from ("--top-p", f"{workload.top_p:g}")
    if workload.top_k is not None:
        yield from ("--top-k", str(workload.top_k))
    if point.arrival is not Arrival.CLOSED and point.rate_per_s is not None:
        burstiness = "1" if point.arrival is Arrival.POISSON else _EVEN_BURSTINESS
        yield from ("--request-rate", f"{point.rate_per_s:g}", "--burstiness", burstiness)
    if target.trust_remote_code:
        yield "--trust-remote-code"
    yield from _spread(workload)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def progress(text: str) -> tuple[int, int] | None:
    """(done, total) by the last progress bar in a piece of output; the bar is redrawn after carriage returns."""
    bars = _BAR.findall(text)
    return (int(bars[-1][0]), int(bars[-1][1])) if bars else None


# ---------------------------------------------------------------- the result


@dataclass(frozen=True)
class Origin:
    """What the result file does not say."""

    point: LoadPoint
    repeat: int
    seed: int
    started_at: datetime
    tool_version: str
    is_rust: bool = False
    host_cpu_share: float | None = None


def parse_result(content: bytes | str, origin: Origin) -> Measurement:
    """The measurement in a result file written with ``--save-detailed``. Percentiles come from the per-request values,
    by the same rule as everywhere (core.domain.statistics); keys that only some versions write may be missing.
    Raises OutputNotUnderstood."""
    result = _loaded(content)
    records = _records(result)
    good = [record for record in records if record.succeeded]
    completed = int(_need(result, "completed"))
    return Measurement(
        point_index=origin.point.index,
        repeat=origin.repeat,
        tool=RUST_TOOL if origin.is_rust else TOOL,
        tool_version=origin.tool_version,
        seed=origin.seed,
        started_at=origin.started_at,
        duration_s=_need(result, "duration"),
        concurrency=origin.point.concurrency,
        rate_per_s=origin.point.rate_per_s,
        requests=_counts(result, completed, records),
        input_tokens=int(_need(result, "total_input_tokens")),
        output_tokens=int(_need(result, "total_output_tokens")),
        requests_per_s=_need(result, "request_throughput"),
        output_tokens_per_s=_need(result, "output_throughput"),
        total_tokens_per_s=_need(result, "total_token_throughput"),
        ttft_ms=summarize(record.ttft_s * 1000 for record in good),
        tpot_ms=summarize(record.tpot_ms for record in good if record.output_tokens > 1),
        itl_ms=summarize(gap * 1000 for record in good for gap in record.gaps_s),
        e2el_ms=summarize(record.latency_s * 1000 for record in good),
        client=_client(origin),
        warnings=() if records or not completed else (NO_RECORDS,),
    )


def _client(origin: Origin) -> ClientHealth | None:
    """Of the measuring side only the machine's load can be seen from outside."""
    share = origin.host_cpu_share
    return None if share is None else ClientHealth(1, None, None, None, share)


def without_seed(found: Measurement) -> Measurement:
    """For a file that came from elsewhere: it does not tell its seed."""
    return replace(found, seed=None)


def request_lines(result: Mapping[str, Any]) -> str | None:
    """The requests of a result, as our own generator writes them; None where it holds no per-request values. Raises
    OutputNotUnderstood."""
    records = _records(result)
    starts, inputs = result.get("start_times"), result.get("input_lens")
    has_starts = isinstance(starts, list) and len(starts) == len(records)
    has_inputs = isinstance(inputs, list) and len(inputs) == len(records)
    sent = [_finite(start) for start in starts] if has_starts and starts else []
    first = min(sent, default=0.0)
    lines = []
    for index, one in enumerate(records):
        good = one.succeeded
        values = {
            "index": index,
            "started_s": round(sent[index] - first, 6) if sent else None,
            "late_ms": None,
            "ttft_ms": round(one.ttft_s * 1000, 3) if good else None,
            "e2el_ms": round(one.latency_s * 1000, 3) if good else None,
            "tpot_ms": round(one.tpot_ms, 4) if good and one.output_tokens > 1 else None,
            "input_tokens": int(_finite(inputs[index])) if has_inputs and inputs else None,
            "output_tokens": one.output_tokens if good else None,
            "failure": None if good else failure_kind(one.error),
            "detail": one.error.strip()[-_DETAIL_LIMIT:],
            "process": 0,
            "itl_ms": [round(gap * 1000, 3) for gap in one.gaps_s] if good else [],
        }
        lines.append(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    return "".join(lines) or None


@dataclass(frozen=True)
class _Record:
    output_tokens: int
    ttft_s: float
    gaps_s: Sequence[float]
    latency_s: float
    error: str

    @property
    def succeeded(self) -> bool:
        return not self.error and self.output_tokens > 0

    @property
    def tpot_ms(self) -> float:
        """The mean time of an output token after the first."""
        return (self.latency_s - self.ttft_s) * 1000 / (self.output_tokens - 1)


def _loaded(content: bytes | str) -> Mapping[str, Any]:
    try:
        result = json.loads(content)
    except ValueError as error:
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        raise OutputNotUnderstood(tool=TOOL, detail=str(error), line=text[:120]) from error
    if not isinstance(result, dict):
        raise OutputNotUnderstood(tool=TOOL, detail="not an object", line=str(result)[:120])
    return result


def _need(result: Mapping[str, Any], key: str) -> float:
    value = result.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OutputNotUnderstood(tool=TOOL, detail=f"{key} is missing", line=", ".join(result)[:120])
    if not (isfinite(value) and value >= 0):
        raise OutputNotUnderstood(tool=TOOL, detail=f"{key} is no number", line=f"{key}: {value}")
    return float(value)


def _finite(value: Any) -> float:
    """Times, counts and lengths. JSON of Python may hold NaN and Infinity. Raises OutputNotUnderstood."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise OutputNotUnderstood(tool=TOOL, detail=_no_number(value), line="ttfts, itls, output_lens") from error
    if not (isfinite(number) and number >= 0):
        raise OutputNotUnderstood(tool=TOOL, detail=_no_number(value), line=f"{number}")
    return number


def _no_number(value: Any) -> str:
    shown = "null" if value is None else repr(value)
    return f"of a request: {shown[:40]} is no number"


def _records(result: Mapping[str, Any]) -> tuple[_Record, ...]:
    """Per request. Latencies are missing in older versions, where they are the first token's time and the gaps."""
    lengths, ttfts, gaps = (result.get(key) for key in ("output_lens", "ttfts", "itls"))
    if not (isinstance(lengths, list) and isinstance(ttfts, list) and isinstance(gaps, list)):
        return ()
    errors = result.get("errors") or [""] * len(lengths)
    try:
        latencies = result.get("latencies") or [ttft + sum(own) for ttft, own in zip(ttfts, gaps, strict=True)]
        rows = zip(lengths, ttfts, gaps, latencies, errors, strict=True)
        return tuple(_record(*row) for row in rows)
    except (TypeError, ValueError) as error:
        raise OutputNotUnderstood(tool=TOOL, detail=str(error), line="ttfts, itls, output_lens") from error


def _record(length: Any, ttft: Any, gaps: Any, latency: Any, error: Any) -> _Record:
    """One request; the values of a failed one are not read: they are whatever they were at its end."""
    said = str(error or "")
    if said:
        return _Record(0, 0.0, (), 0.0, said)
    return _Record(int(_finite(length)), _finite(ttft), [_finite(gap) for gap in gaps], _finite(latency), said)


def _counts(result: Mapping[str, Any], completed: int, records: Sequence[_Record]) -> RequestCounts:
    total = len(records) or int(result.get("num_prompts") or completed)
    failed = int(result["failed"]) if isinstance(result.get("failed"), int) else max(total - completed, 0)
    kinds = Counter(failure_kind(record.error) for record in records if not record.succeeded)
    return RequestCounts(completed, failed, dict(kinds) if kinds or not failed else {"other": failed})


_KINDS = (
    (r"^HTTP 4\d\d\b.*context length", "over_length"),
    (r"ClientConnector|ConnectionRefused|Cannot connect|Connection refused|client error \(Connect\)", "connect"),
    (r"TimeoutError|operation timed out", "timeout"),
    (r"Payload|TransferEncoding|IncompleteRead|error reading a body", "truncated"),
    (r"Disconnected|ConnectionReset|ClientOSError|client error \(SendRequest\)", "disconnected"),
    (r"JSONDecodeError", "bad_answer"),
    (r"[Nn]ever received a valid chunk", "empty"),
)


def failure_kind(error: str) -> str:
    """Our word for the tool's: an HTTP reason phrase, a traceback, nothing at all; of the Rust client ``HTTP 404 Not
    Found: ...`` or its chain of causes (seen with vllm-rs 0.33.0)."""
    for status in HTTPStatus:
        if error.strip() == status.phrase:
            return f"http_{status.value}"
    known = next((kind for pattern, kind in _KINDS if re.search(pattern, error, re.DOTALL)), None)
    told = re.match(r"HTTP (\d{3})\b", error)
    return known or (f"http_{told[1]}" if told else "other" if error else "empty")
