"""A workload: what is sent, and the load points at which it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


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
class Spread:
    """How a length varies: evenly from ``low`` to ``high`` tokens, both included, or (``std`` given) normally around
    the stated length, cut to that range."""

    low: int
    high: int
    std: float | None = None


@dataclass(frozen=True)
class Dataset:
    """A file of prompts, kept under its SHA-256. Tokens are a guess from its characters: of the mean prompt, the
    longest one, the longest prompt with its recorded answer (None where some have none), the mean recorded answer.
    ``turns_at_least``: how many conversations have one turn, two, and so on. Two are the same file by their content:
    what was learnt of it later does not count."""

    name: str
    digest: str
    samples: int
    kind: Literal["sharegpt", "jsonl"]
    has_messages: bool = False
    input_tokens: int | None = None
    longest_input: int | None = field(default=None, compare=False)
    longest_total: int | None = field(default=None, compare=False)
    output_tokens: int | None = field(default=None, compare=False)
    turns_at_least: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Slo:
    """A service level: latencies that the ``percentile`` of the requests must keep. None: no limit."""

    percentile: int = 95
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2el_ms: float | None = None

    @property
    def limits_ms(self) -> tuple[tuple[str, float], ...]:
        """(measurement's field, limit) of those that are set."""
        named = (("ttft_ms", self.ttft_ms), ("tpot_ms", self.tpot_ms), ("e2el_ms", self.e2el_ms))
        return tuple((name, limit) for name, limit in named if limit is not None)


@dataclass(frozen=True)
class BenchFiles:
    """Where ``vllm bench serve`` reaches the server from inside its container, and where it leaves its result there.
    None: a folder of ours that is cleared afterwards. The result is kept with the run in any case."""

    host: str = "127.0.0.1"
    result_dir: str | None = None
    result_filename: str | None = None


@dataclass(frozen=True)
class Workload:
    """Lengths in tokens, exact unless a spread says how they vary around them; greedy sampling and ignored
    end-of-sequence unless said otherwise.

    ``prefix_share`` (0..1) of every prompt is the same for all requests of a point. ``turns``: requests of one
    conversation, each with all before it (answers are made up, so that the length is known) and ``input_tokens`` more.
    ``dataset``: prompts from a file instead. ``slo`` judges every point; the two stops end the sweep by it or where
    throughput no longer grows."""

    input_tokens: int
    output_tokens: int
    points: tuple[LoadPoint, ...]
    api: Api = Api.COMPLETIONS
    repeats: int = 1
    timeout_s: float = 600.0
    temperature: float = 0.0
    ignore_eos: bool = True
    top_p: float | None = None
    top_k: int | None = None
    input_spread: Spread | None = None
    output_spread: Spread | None = None
    prefix_share: float = 0.0
    turns: int = 1
    dataset: Dataset | None = None
    slo: Slo | None = None
    stop_at_peak: bool = False
    stop_at_slo: bool = False
    bench_files: BenchFiles | None = None

    @property
    def longest_input(self) -> int:
        """Tokens of the longest prompt, its last turn included."""
        once = self.input_spread.high if self.input_spread else self.input_tokens
        return self.turns * once + (self.turns - 1) * self.longest_output

    @property
    def longest_output(self) -> int:
        """Tokens of the longest answer."""
        return self.output_spread.high if self.output_spread else self.output_tokens

    @property
    def mean_input(self) -> float:
        """Tokens of a prompt, over all turns."""
        return self.input_tokens * (self.turns + 1) / 2 + self.output_tokens * (self.turns - 1) / 2

    @property
    def is_greedy(self) -> bool:
        """Whether the answers are the model's likeliest ones."""
        return self.temperature == 0


@dataclass(frozen=True)
class LengthGrid:
    """Several lengths at once: a run for every pair. A point is left out where its input is over ``max_input`` or where
    input and output together are over ``max_total / min(concurrency, shared_by)``."""

    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    max_input: int | None = None
    max_total: int | None = None
    shared_by: int = 1


@dataclass(frozen=True)
class Preset:
    """A workload to start from (catalog/workloads), and where its numbers come from."""

    key: str
    workload: Workload
    source: str
    grid: LengthGrid | None = None
