"""vLLM's /metrics (Prometheus text): read it, and say what changed between two looks. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

_PREFIX = "vllm:"
_NOT_KEPT = ("_bucket", "_created", "_info")
_SHARES = ("_perc",)
_COUNTERS = ("_total", "_sum", "_count")


def parse_metrics(text: str) -> dict[str, float] | None:
    """Every ``vllm:`` sample, without its prefix, summed over labels (models, engines, finish reasons); shares 0..1
    such as ``kv_cache_usage_perc`` are averaged. Histogram buckets are left out. None where it is not such a text."""
    values: dict[str, list[float]] = defaultdict(list)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.startswith(_PREFIX) and not sample.name.endswith(_NOT_KEPT):
                    values[sample.name.removeprefix(_PREFIX)].append(float(sample.value))
    except ValueError:
        return None
    return {name: _combine(name, found) for name, found in values.items()} or None


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
