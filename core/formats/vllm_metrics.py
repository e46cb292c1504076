"""vLLM's /metrics (Prometheus text): read it, and say what changed between looks. No I/O."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from prometheus_client.parser import text_string_to_metric_families

_PREFIX = "vllm:"
_NOT_KEPT = ("_bucket", "_created", "_info")
_SHARES = ("_perc",)
_COUNTERS = ("_total", "_sum", "_count")
_RENAMED = {
    "gpu_cache_usage_perc": "kv_cache_usage_perc",
    "gpu_prefix_cache_queries_total": "prefix_cache_queries_total",
    "gpu_prefix_cache_hits_total": "prefix_cache_hits_total",
}
_SERIES = (
    "num_requests_running",
    "num_requests_waiting",
    "kv_cache_usage_perc",
    "prefix_cache_queries_total",
    "prefix_cache_hits_total",
    "prompt_tokens_total",
    "generation_tokens_total",
    "num_preemptions_total",
    "spec_decode_num_drafts_total",
    "spec_decode_num_draft_tokens_total",
    "spec_decode_num_accepted_tokens_total",
)
"""What is kept of every look beside a measurement."""


def parse_metrics(text: str) -> dict[str, float] | None:
    """Every ``vllm:`` sample, without its prefix, summed over labels (models, engines, finish reasons); shares 0..1
    such as ``kv_cache_usage_perc`` are averaged. Histogram buckets are left out, before anything is parsed: they are
    nine lines of ten, and this runs beside a measurement. None where it is not such a text."""
    values: dict[str, list[float]] = defaultdict(list)
    kept = "\n".join(line for line in text.splitlines() if line.startswith(_PREFIX) and "_bucket{" not in line)
    try:
        for family in text_string_to_metric_families(kept + "\n"):
            for sample in family.samples:
                if sample.name.startswith(_PREFIX) and not sample.name.endswith(_NOT_KEPT):
                    values[_name(sample.name)].append(float(sample.value))
    except ValueError:
        return None
    return {name: _combine(name, found) for name, found in values.items()} or None


def _name(sample: str) -> str:
    """Without the prefix, and by its newer name: until vLLM 0.9 some began with ``gpu_``."""
    name = sample.removeprefix(_PREFIX)
    return _RENAMED.get(name, name)


def _combine(name: str, values: list[float]) -> float:
    return sum(values) / len(values) if name.endswith(_SHARES) else sum(values)


def counted_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What the counters and histograms counted between two looks; gauges are left out. A counter that fell (the server
    was restarted) is left out as well."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items() if name.endswith(_COUNTERS)}
    return {name: value for name, value in grown.items() if value >= 0}


def cached_share(counted: Mapping[str, float]) -> float | None:
    """Share (0..1) of the prompt tokens that came from the prefix cache; None where the server does not say."""
    queries = counted.get("prefix_cache_queries_total")
    hits = counted.get("prefix_cache_hits_total")
    return hits / queries if queries and hits is not None else None


def looks(packed: bytes) -> tuple[Mapping[str, float], ...]:
    """The time series that ``series_values`` made, a JSON line each, packed with gzip. Lines that are none are left
    out."""
    found: list[Mapping[str, float]] = []
    try:
        lines = gzip.decompress(packed).splitlines()
    except (OSError, EOFError, zlib.error):
        return ()
    for line in lines:
        with contextlib.suppress(ValueError):
            values = json.loads(line)
            if isinstance(values, dict) and isinstance(values.get("t_s"), int | float):
                found.append({name: value for name, value in values.items() if isinstance(value, int | float)})
    return tuple(found)


def series_values(values: Mapping[str, float]) -> dict[str, float]:
    """The part of a look that goes into the time series; counters as they stand."""
    return {name: values[name] for name in _SERIES if name in values}


def summary(looks: Sequence[Mapping[str, float]], counted: Mapping[str, float]) -> dict[str, float]:
    """What a reader asks of the server's own view: ``prefix_cache_hit_share`` (0..1 of the prompt tokens),
    ``kv_cache_usage_max`` (0..1), ``requests_running_mean`` and ``_max``, ``requests_waiting_mean`` and ``_max``,
    ``preemptions``, ``mtp_acceptance_share`` (0..1 of the drafted tokens) and ``mtp_tokens_per_step``. Only what the
    server tells is there. ``looks``: the time series; ``counted``: see ``counted_between``."""
    found = dict(_gauges(looks))
    chosen = {
        "prefix_cache_hit_share": cached_share(counted),
        "preemptions": counted.get("num_preemptions_total"),
        "mtp_acceptance_share": _ratio(counted, "accepted_tokens", "draft_tokens"),
    }
    per_step = _ratio(counted, "accepted_tokens", "drafts")
    chosen["mtp_tokens_per_step"] = None if per_step is None else 1 + per_step
    return {**found, **{name: value for name, value in chosen.items() if value is not None}}


def _gauges(looks: Sequence[Mapping[str, float]]) -> Iterator[tuple[str, float]]:
    for name, short in (("num_requests_running", "requests_running"), ("num_requests_waiting", "requests_waiting")):
        values = [look[name] for look in looks if name in look]
        if values:
            yield f"{short}_mean", fmean(values)
            yield f"{short}_max", max(values)
    usage = [look["kv_cache_usage_perc"] for look in looks if "kv_cache_usage_perc" in look]
    if usage:
        yield "kv_cache_usage_max", max(usage)


def _ratio(counted: Mapping[str, float], part: str, whole: str) -> float | None:
    of = counted.get(f"spec_decode_num_{whole}_total")
    found = counted.get(f"spec_decode_num_{part}_total")
    return found / of if of and found is not None else None
