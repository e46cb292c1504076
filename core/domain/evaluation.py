"""Evaluations: what is asked for, what will happen, and what came out, sample by sample.

An evaluation is a run (kind ``evaluation``) of one or more datasets against one endpoint, scored by EvalScope.
Scores are shares of 1 (0.75 is 75 %); what was not answered has no score, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.domain.finding import Finding

Scalar = str | int | float | bool | None


class DatasetKind(StrEnum):
    """How a dataset's answers are judged. Benchmark: by EvalScope's own adapter of that name."""

    BENCHMARK = "benchmark"
    CHOICE = "choice"
    NUMERIC = "numeric"


class DatasetOrigin(StrEnum):
    """Shipped: written by this project, here and offline. Own: uploaded by a person. EvalScope: named by it, kept in a
    hub or a folder."""

    SHIPPED = "shipped"
    OWN = "own"
    EVALSCOPE = "evalscope"


class Hub(StrEnum):
    """Where EvalScope's datasets come from."""

    MODELSCOPE = "modelscope"
    HUGGINGFACE = "huggingface"

    @property
    def label(self) -> str:
        """Its own name."""
        return {"modelscope": "ModelScope", "huggingface": "Hugging Face"}[self.value]


class Need(StrEnum):
    """What a dataset needs beside the model. Extra: a package that is not installed with EvalScope."""

    JUDGE = "judge"
    SANDBOX = "sandbox"
    EXTRA = "extra"
    IMAGES = "images"
    AGENT = "agent"


@dataclass(frozen=True)
class Subset:
    """One part of a dataset, and how many samples it has where that is known."""

    name: str
    samples: int | None = None


@dataclass(frozen=True)
class Dataset:
    """One entry of the list that a person chooses from. ``repo_id`` is its name in the hub; ``prompt_chars`` and
    ``longest_chars`` the mean and the greatest length of a prompt in characters; ``modules`` the missing Python
    packages that it needs; ``version`` counts the uploads of an own one; ``revision`` is the SHA-256 of a shipped or
    own one's questions."""

    key: str
    name: str
    origin: DatasetOrigin
    kind: DatasetKind
    category: str
    subsets: tuple[Subset, ...]
    samples: int | None
    few_shot: int = 0
    tags: tuple[str, ...] = ()
    metric: str = ""
    repo_id: str | None = None
    hf_repo_id: str | None = None
    modules: tuple[str, ...] = ()
    prompt_chars: float | None = None
    longest_chars: float | None = None
    needs: tuple[Need, ...] = ()
    languages: tuple[str, ...] = ()
    version: int | None = None
    revision: str | None = None
    description: str = ""

    @property
    def is_offline(self) -> bool:
        """Whether its questions are in this installation."""
        return self.origin is not DatasetOrigin.EVALSCOPE


@dataclass(frozen=True)
class DatasetChoice:
    """A dataset that is to be asked. No subsets: all of them. ``few_shot`` None: the dataset's own number.
    ``local_path``: a folder with a snapshot of its repository. ``version``: of an own one; None is the latest, which a
    start then names."""

    key: str
    subsets: tuple[str, ...] = ()
    few_shot: int | None = None
    local_path: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Limit:
    """How many samples of EACH subset: the first ``count``, or the ``share`` (0 < share < 1); neither means all."""

    count: int | None = None
    share: float | None = None

    @property
    def is_none(self) -> bool:
        """Whether every sample is asked."""
        return self.count is None and self.share is None


@dataclass(frozen=True)
class Sampling:
    """What the server is told of how to draw tokens; None leaves it to the server. ``preset`` names where the values
    come from (catalog/evaluations/sampling.yaml)."""

    temperature: float | None = 0.0
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    preset: str | None = None

    def is_like(self, other: Sampling) -> bool:
        """Whether the same is asked, whatever it is called."""
        return replace(self, preset=None) == replace(other, preset=None)


@dataclass(frozen=True)
class SamplingPreset:
    """How a model's vendor samples. ``pattern`` finds the models by their served name, whatever the case;
    ``thinking_key`` is the chat template's word where the model has a switch."""

    key: str
    name: str
    pattern: str
    sampling: Sampling
    max_tokens: int
    source: str
    thinking_key: str | None = None


@dataclass(frozen=True)
class EvaluationPreset:
    """An evaluation to start from. ``max_tokens`` None: the model's sampling preset decides."""

    key: str
    datasets: tuple[DatasetChoice, ...]
    limit: Limit
    source: str
    max_tokens: int | None = None
    repeats: int = 1


@dataclass(frozen=True)
class EvaluationRequest:
    """What a person asks for. ``max_tokens`` is of one answer, reasoning included; ``thinking`` None leaves the model's
    own default; ``judge_endpoint_id`` is another endpoint that judges free answers; ``thinking_key`` is the chat
    template's word for the switch."""

    endpoint_id: str
    datasets: tuple[DatasetChoice, ...]
    limit: Limit = Limit()
    repeats: int = 1
    sampling: Sampling = Sampling()
    max_tokens: int = 4096
    batch_size: int = 4
    timeout_s: float = 600.0
    stream: bool = True
    seed: int = 42
    thinking: bool | None = None
    thinking_key: str = "enable_thinking"
    judge_endpoint_id: str | None = None
    sandbox: bool = False
    hub: Hub = Hub.MODELSCOPE
    note: str = ""


@dataclass(frozen=True)
class PlannedDataset:
    """One step. ``questions`` counts samples after the limit, ``requests`` those times the repeats; None where the
    dataset does not tell its size. ``input_tokens`` is an estimate."""

    choice: DatasetChoice
    dataset: Dataset
    questions: int | None
    requests: int | None
    input_tokens: int | None


@dataclass(frozen=True)
class EvaluationPlan:
    """What will happen: shown before anything does. ``python_call`` and ``cli_calls`` are EvalScope's own spellings,
    as few as say it; ``command`` repeats the evaluation with this product's shell. ``output_tokens`` is what the
    answers take at most. ``most_s`` bounds the time where ``estimate_s`` is unknown: every answer as long as
    max_tokens. ``fingerprint`` changes when the endpoint or the request does."""

    request: EvaluationRequest
    datasets: tuple[PlannedDataset, ...]
    questions: int | None
    requests: int | None
    input_tokens: int | None
    output_tokens: int | None
    estimate_s: float | None
    most_s: float | None
    command: tuple[str, ...]
    python_call: str
    cli_calls: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    fingerprint: str


# ---------------------------------------------------------------- what came out


class SampleStatus(StrEnum):
    """Scored: answered and judged, right or wrong. Errored: the request failed. Unscored: answered, but not judged (the
    judge failed, or the evaluation ended first). Overflow is scored 0 by EvalScope, and is not an answer: see
    ``Sample.is_overflow``."""

    SCORED = "scored"
    ERRORED = "errored"
    UNSCORED = "unscored"


TRUNCATED = "max_tokens"
OVERFLOW = "model_length"


@dataclass(frozen=True)
class Sample:
    """One question, one repeat. ``dataset`` is our key, not EvalScope's; ``index`` its place in the predictions file;
    ``group_id`` the question that its repeats share; ``answer`` the visible text (for an overflow the server's error),
    ``reasoning`` apart; ``extracted`` None where no answer could be taken out of the text; ``scores`` every metric,
    ``score`` the main one; ``stop_reason`` EvalScope's word: stop, max_tokens, model_length, tool_calls, ..."""

    dataset: str
    subset: str
    index: int
    sample_id: str
    group_id: str
    repeat: int
    question: str
    gold: str
    extracted: str | None
    answer: str
    reasoning: str | None
    metric: str | None
    score: float | None
    status: SampleStatus
    stop_reason: str | None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    error: str | None = None
    explanation: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_truncated(self) -> bool:
        """Whether the answer ended at max_tokens."""
        return self.stop_reason == TRUNCATED

    @property
    def is_overflow(self) -> bool:
        """Whether the server refused the prompt as too long: EvalScope keeps the error as the answer."""
        return self.stop_reason == OVERFLOW


@dataclass(frozen=True)
class ReportScore:
    """One figure of EvalScope's report: of the whole dataset (``subset`` None) or of one subset. ``score`` is raw;
    ``multiplier`` makes the shown figure (100 for a share). ``dimensions`` are part of the metric's identity."""

    subset: str | None
    category: str | None
    metric: str
    aggregation: str
    score: float
    n: int
    is_primary: bool
    macro_score: float | None = None
    higher_is_better: bool = True
    multiplier: float = 100.0
    unit: str = "%"
    dimensions: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetReport:
    """EvalScope's report of one dataset. ``requested`` and what follows are None in reports before schema 2.
    ``evaluation_version``, ``revision``, ``few_shot`` and ``prompt_template`` come from the saved configuration, where
    there is one; EvalScope's own fingerprint is not a key for comparing, since it holds the address. ``judge`` names
    the models that judged, None where a rule did."""

    dataset: str
    pretty_name: str
    model: str
    schema_version: int
    scores: tuple[ReportScore, ...]
    requested: int | None = None
    succeeded: int | None = None
    errored: int | None = None
    incomplete: bool | None = None
    evaluation_version: str | None = None
    revision: str | None = None
    few_shot: int | None = None
    prompt_template: str | None = None
    evalscope_version: str | None = None
    judge: str | None = None


@dataclass(frozen=True)
class BenchmarkSettings:
    """What EvalScope resolves and saves before it asks the first question: what a report says of its benchmark, of one
    that did not come to a report. ``judge``: the models that were to judge."""

    evaluation_version: str | None = None
    revision: str | None = None
    few_shot: int | None = None
    prompt_template: str | None = None
    evalscope_version: str | None = None
    judge: str | None = None


@dataclass(frozen=True)
class DatasetOutcome:
    """What one step left. ``is_partial``: it ended early, or some samples have no score. ``report`` None: it never came
    to its report, and ``settings`` say how it asked. ``expected`` counts (question, repeat) pairs that were to be
    asked."""

    key: str
    choice: DatasetChoice
    report: DatasetReport | None
    is_partial: bool
    expected: int | None
    duration_s: float | None
    settings: BenchmarkSettings | None = None


@dataclass(frozen=True)
class ScoreRow:
    """A dataset's, a subset's or a category's figures, as pages and shell show them. ``score`` is EvalScope's own where
    it reported one; None where nothing was answered. Counts are of (question, repeat) pairs: ``n`` was scored; errored,
    unscored, truncated, overflow and no_answer count what ``Sample`` says. ``ci95`` is Wilson's interval, or clustered
    by question where there are repeats. ``duration_s`` of a subset: its share of the dataset's, by the latencies of its
    requests."""

    dataset: str
    subset: str | None
    category: str | None
    metric: str
    aggregation: str
    is_primary: bool
    score: float | None
    ci95: tuple[float, float] | None
    n: int
    requested: int
    errored: int
    unscored: int
    truncated: int
    overflow: int
    no_answer: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_s: float | None = None
    is_partial: bool = False
