"""What a simulated server is told to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

VERSION = "0.32.0+simulated"
HEADER = "x-seatrial-simulated"


class Task(StrEnum):
    """What the model does; vLLM has a route for that and for nothing else."""

    GENERATE = "generate"
    EMBED = "embed"
    SCORE = "score"


class FaultKind(StrEnum):
    """Ways to misbehave, for tests. ``value`` is what follows the colon in ``--fault KIND:VALUE``."""

    HTML = "html"
    """Every path answers with a web page."""
    HANG = "hang"
    """Connections are accepted and never answered."""
    HANG_COMPLETIONS = "hang-completions"
    """Only completions and chats are never answered."""
    DIE_AFTER = "die-after"
    """The process ends at once when completion number VALUE + 1 comes in; streams are cut."""
    STATUS = "status"
    """``status:CODE:SHARE``: that share (0..1) of the completions is refused with CODE."""
    SLOW = "slow"
    """Every step takes VALUE times as long."""
    TRUNCATE = "truncate"
    """That share of the streams is cut off halfway."""
    WRONG_USAGE = "wrong-usage"
    """Usage reports half of the output tokens."""
    NO_USAGE = "no-usage"
    """Streams never report usage."""
    NO_STREAM = "no-stream"
    """A streamed request gets one plain answer."""
    NO_MODELS = "no-models"
    """The list of models is empty."""
    NO_CHAT = "no-chat"
    """The model has no chat template."""
    REDIRECT = "redirect"
    """Every path redirects to https."""
    KNOWN_TRUNCATED = "known-truncated"
    """That share of the questions it knows is answered without end."""
    KNOWN_OVERFLOW = "known-overflow"
    """That share of the questions it knows is refused as longer than the context."""
    KNOWN_EMPTY = "known-empty"
    """That share of the questions it knows is answered with nothing at all."""


@dataclass(frozen=True)
class Fault:
    """One way to misbehave."""

    kind: FaultKind
    value: float = 0.0
    status: int = 0


_WITH_VALUE = frozenset(
    {
        FaultKind.DIE_AFTER,
        FaultKind.SLOW,
        FaultKind.TRUNCATE,
        FaultKind.KNOWN_TRUNCATED,
        FaultKind.KNOWN_OVERFLOW,
        FaultKind.KNOWN_EMPTY,
    }
)


def parse_fault(text: str) -> Fault:
    """``kind``, ``kind:value`` or ``status:code:share``. ValueError says what is wrong."""
    name, *values = text.split(":")
    kind = FaultKind(name)
    if kind is FaultKind.STATUS:
        code, share = values
        return Fault(kind, value=float(share), status=int(code))
    if kind in _WITH_VALUE:
        (value,) = values
        return Fault(kind, value=float(value))
    if values:
        raise ValueError(f"{name} takes no value")
    return Fault(kind)


@dataclass(frozen=True)
class Pace:
    """How fast the simulated accelerator is. A step's time is flat while memory bandwidth bounds it and grows with the
    batch once arithmetic does, as sqrt(base² + (sequences · per_sequence)²); prefill adds its tokens' time to the step.
    """

    ttft_ms: float = 60.0
    """First token of an empty prompt on an idle server."""
    itl_ms: float = 15.0
    """A decode step of one sequence."""
    per_sequence_ms: float = 0.25
    """A decode step's share per sequence, where arithmetic bounds it."""
    prefill_ms_per_token: float = 0.08
    jitter: float = 0.03
    """Standard deviation of a step's time, relative."""


@dataclass(frozen=True)
class SimulatorSettings:
    """One simulated server."""

    host: str = "127.0.0.1"
    port: int = 8000
    model: str = "simulated-model"
    api_key: str | None = None
    max_model_len: int = 4096
    vocabulary_size: int = 4000
    max_num_seqs: int = 128
    max_batched_tokens: int = 4096
    kv_cache_tokens: int = 400_000
    prefix_cache: bool = True
    reasoning: bool = False
    task: Task = Task.GENERATE
    known_right: float = 0.75
    """The share of the project's own questions that it answers right (simulator/known.py)."""
    answers: tuple[tuple[str, str], ...] = ()
    """What else it knows: the words that a chat holds, and what it says to them."""
    tokens_per_step: int = 1
    """More than one: several tokens in one chunk, as with speculative decoding."""
    pace: Pace = field(default_factory=Pace)
    faults: tuple[Fault, ...] = ()

    def fault(self, kind: FaultKind) -> Fault | None:
        """That fault, where it is switched on."""
        return next((fault for fault in self.faults if fault.kind is kind), None)
