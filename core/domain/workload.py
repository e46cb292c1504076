"""A workload: what is sent, and the load points at which it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Api(StrEnum):
    """Which route the requests take."""

    COMPLETIONS = "completions"
    CHAT = "chat"


class Arrival(StrEnum):
    """Closed: a finished request lets the next one go. Constant and Poisson: open loop, at a rate."""

    CLOSED = "closed"
    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True)
class LoadPoint:
    """One point of a sweep. Closed loop: ``concurrency`` streams. Open loop: ``rate_per_s`` arrivals, of which at most
    ``concurrency`` are in flight (None: no cap). Ends after ``requests`` requests or ``duration_s`` seconds."""

    index: int
    arrival: Arrival = Arrival.CLOSED
    concurrency: int | None = 1
    rate_per_s: float | None = None
    requests: int | None = None
    duration_s: float | None = None
    warmup: int = 1


@dataclass(frozen=True)
class Workload:
    """Lengths in tokens, exact; greedy sampling and ignored end-of-sequence unless said otherwise."""

    input_tokens: int
    output_tokens: int
    points: tuple[LoadPoint, ...]
    api: Api = Api.COMPLETIONS
    repeats: int = 1
    timeout_s: float = 600.0
    temperature: float = 0.0
    ignore_eos: bool = True


@dataclass(frozen=True)
class Preset:
    """A workload to start from (catalog/workloads), and where its numbers come from."""

    key: str
    workload: Workload
    source: str
