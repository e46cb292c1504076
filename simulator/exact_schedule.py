"""When an exact server sends what, and how it keeps the score of its own lateness."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from random import Random

_BIN_S = 1e-5
_BINS = 200_000


@dataclass(frozen=True)
class Schedule:
    """Times in seconds. ``itl_s`` is between chunks of ``tokens_per_chunk`` tokens. Shares are spread evenly: one
    half means every second request."""

    ttft_s: float = 0.2
    itl_s: float = 0.02
    tokens_per_chunk: int = 1
    reasoning: bool = False
    jitter: str = "none"
    sigma: float = 0.3
    drop_share: float = 0.0
    status: int | None = None
    status_share: float = 1.0
    silent: bool = False
    seed: int = 0


def is_hit(number: int, share: float) -> bool:
    """Whether the request with this number falls into the share."""
    return math.floor((number + 1) * share + 1e-9) > math.floor(number * share + 1e-9)


class FirstTokens:
    """Draws every request's time to the first token; a log-normal draw keeps the schedule's mean."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._draws = Random(schedule.seed)

    def draw(self) -> float:
        """Seconds."""
        schedule = self._schedule
        if schedule.jitter != "lognormal":
            return schedule.ttft_s
        sigma = schedule.sigma
        return schedule.ttft_s * math.exp(sigma * self._draws.gauss(0.0, 1.0) - sigma * sigma / 2.0)


class Histogram:
    """Counts of durations in bins of 10 microseconds, up to two seconds."""

    def __init__(self) -> None:
        self._bins = [0] * _BINS
        self._sum_s = 0.0
        self._max_s = 0.0
        self.count = 0

    def add(self, seconds: float) -> None:
        """One duration."""
        self._bins[min(_BINS - 1, int(seconds / _BIN_S)) if seconds > 0.0 else 0] += 1
        self.count += 1
        self._sum_s += seconds
        if seconds > self._max_s:
            self._max_s = seconds

    def summary(self) -> dict[str, float | int | None]:
        """In milliseconds."""
        if self.count == 0:
            return {"n": 0, "mean": None, "p50": None, "p99": None, "max": None}
        return {
            "n": self.count,
            "mean": self._sum_s / self.count * 1000.0,
            "p50": self._quantile_ms(0.50),
            "p99": self._quantile_ms(0.99),
            "max": self._max_s * 1000.0,
        }

    def _quantile_ms(self, share: float) -> float:
        wanted = share * self.count
        seen = 0
        for number, count in enumerate(self._bins):
            seen += count
            if seen >= wanted:
                return (number + 0.5) * _BIN_S * 1000.0
        return self._max_s * 1000.0


@dataclass
class Truth:
    """What the server did. ``lateness``: how long after its deadline a chunk was handed to the kernel. ``ttft`` and
    ``itl``: what it gave by its own clock, from the request's arrival on. ``services_s``: of every request, by its
    number, how long the server had it. ``cpu_before_s``: CPU time spent before."""

    requests: int = 0
    tokens: int = 0
    live: int = 0
    peak: int = 0
    refused: int = 0
    dropped: int = 0
    lateness: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)
    itl: Histogram = field(default_factory=Histogram)
    services_s: dict[int, float] = field(default_factory=dict)
    cpu_before_s: float = field(default_factory=time.process_time)

    def to_dict(self) -> dict[str, object]:
        """For GET /truth."""
        counts = {name: getattr(self, name) for name in ("requests", "tokens", "peak", "refused", "dropped")}
        histograms = {f"{name}_ms": getattr(self, name).summary() for name in ("lateness", "ttft", "itl")}
        services = [seconds for _, seconds in sorted(self.services_s.items())]
        return {**counts, **histograms, "services_s": services, "cpu_s": time.process_time() - self.cpu_before_s}
