"""The counters that vLLM shows at /metrics, under its names, counted for real."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LABELS = ("model_name", "engine")
_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


class Metrics:
    """One registry per server, so that several can live in one process."""

    def __init__(self, model: str) -> None:
        self._registry = CollectorRegistry()
        self._labels = (model, "0")
        simulated = Gauge("seatrial_simulated", "This server is simulated; no model runs.", registry=self._registry)
        simulated.set(1)
        self.prompt_tokens = self._counter("prompt_tokens", "Number of prefill tokens processed.")
        self.generation_tokens = self._counter("generation_tokens", "Number of generation tokens processed.")
        self.prefix_queries = self._counter("prefix_cache_queries", "Prefix cache queries, in tokens.")
        self.prefix_hits = self._counter("prefix_cache_hits", "Prefix cache hits, in tokens.")
        self.preemptions = self._counter("num_preemptions", "Cumulative number of preemptions.")
        self.ttft_s = self._histogram("time_to_first_token_seconds", "Time to first token.")
        self.itl_s = self._histogram("inter_token_latency_seconds", "Time between tokens.")
        self.e2el_s = self._histogram("e2e_request_latency_seconds", "Whole requests.")
        self.queue_s = self._histogram("request_queue_time_seconds", "Time spent waiting.")
        self.prefill_s = self._histogram("request_prefill_time_seconds", "Time spent in prefill.")
        self.decode_s = self._histogram("request_decode_time_seconds", "Time spent decoding.")
        self._success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            (*_LABELS, "finished_reason"),
            registry=self._registry,
        )

    def finished(self, reason: str) -> None:
        """One sequence ended: length, stop or abort."""
        self._success.labels(*self._labels, reason).inc()

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """A value that is read when somebody looks."""
        gauge = Gauge(f"vllm:{name}", documentation, _LABELS, registry=self._registry)
        gauge.labels(*self._labels).set_function(value)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self._registry)

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"vllm:{name}", documentation, _LABELS, registry=self._registry).labels(*self._labels)

    def _histogram(self, name: str, documentation: str) -> Histogram:
        histogram = Histogram(f"vllm:{name}", documentation, _LABELS, registry=self._registry, buckets=_SECONDS)
        return histogram.labels(*self._labels)
