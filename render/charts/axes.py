"""What can stand on an axis: a latency's statistic or a rate, by an id that is safe in an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.benchmark import Distribution, Measurement
from render.texts import Texts

FEW_REQUESTS = 30
"""Below this many values a percentile is marked: p99 of 30 is little more than the largest."""

_DAY_MS = 86_400_000

METRICS = ("ttft", "tpot", "itl", "e2el")
STATISTICS = ("p50", "p90", "p95", "p99", "mean")
RATES = ("output_tokens_per_s", "total_tokens_per_s", "requests_per_s")
LATENCIES = tuple(f"{metric}_{statistic}" for metric in METRICS for statistic in ("p50", "p99"))


def date_stops(t: Texts) -> list[dict[str, Any]]:
    """How dates stand on an axis: a day, and between two days the time."""
    day, moment = t("chart.date_day"), t("chart.date_moment")
    return [{"dtickrange": [None, _DAY_MS - 1], "value": moment}, {"dtickrange": [_DAY_MS, None], "value": day}]


def distribution(measurement: Measurement, metric: str) -> Distribution | None:
    """The summary of ``ttft``, ``tpot``, ``itl`` or ``e2el``, in milliseconds."""
    found: Distribution | None = getattr(measurement, f"{metric}_ms")
    return found


@dataclass(frozen=True)
class Axis:
    """``id`` is a member of LATENCIES (any statistic) or RATES."""

    id: str

    @property
    def is_latency(self) -> bool:
        """Lower is better; else it is a rate, and higher is."""
        return self.id not in RATES

    @property
    def metric(self) -> str:
        """``ttft`` of ``ttft_p99``."""
        return self.id.rpartition("_")[0]

    @property
    def statistic(self) -> str:
        """``p99`` of ``ttft_p99``."""
        return self.id.rpartition("_")[2]

    def value(self, measurement: Measurement) -> float | None:
        """Milliseconds, or per second; None where nothing was measured."""
        if not self.is_latency:
            rate: float = getattr(measurement, self.id)
            return rate
        found = distribution(measurement, self.metric)
        if found is None:
            return None
        value: float = getattr(found, self.statistic)
        return value

    def samples(self, measurement: Measurement) -> int:
        """How many values stand behind it: requests, or gaps for ITL."""
        if not self.is_latency:
            return measurement.requests.succeeded
        found = distribution(measurement, self.metric)
        return 0 if found is None else found.n

    def is_rough(self, measurement: Measurement) -> bool:
        """Whether it is a percentile of too few values to lean on."""
        return self.is_latency and self.statistic != "mean" and self.samples(measurement) < FEW_REQUESTS

    def name(self, t: Texts) -> str:
        """In words, without unit."""
        if not self.is_latency:
            return t(f"metric.{self.id}")
        return f"{t(f'metric.{self.metric}_short')} {t(f'metric.{self.statistic}')}"

    def title(self, t: Texts) -> str:
        """For the axis: unit, and an arrow towards better. Turned upright the arrows point down and up."""
        better = t("metric.better")
        return f"{self.name(t)} (ms)  ← {better}" if self.is_latency else f"{self.name(t)}  {better} →"

    def format(self, value: float | None, t: Texts) -> str:
        """A value with its unit."""
        if self.is_latency:
            return t.ms(value)
        if self.id == "requests_per_s":
            return t("chart.per_s", rate=t.number(value))
        return t.tokens_per_s(value)


def load_label(measurement: Measurement, t: Texts) -> str:
    """What names a load point: its concurrency, or its rate."""
    if measurement.rate_per_s is not None:
        return t("chart.rate", rate=t.number(measurement.rate_per_s))
    return t.number(measurement.concurrency)


def load_words(measurement: Measurement, t: Texts) -> str:
    """The same in a sentence: ``16 concurrent``, ``5 requests per second``."""
    if measurement.rate_per_s is not None:
        return t("chart.at_rate", rate=t.number(measurement.rate_per_s))
    return t("chart.at_concurrency", concurrency=t.number(measurement.concurrency))
