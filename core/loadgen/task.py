"""What the load generator is asked to do: one load point, one repeat, as a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.domain.workload import Api, Arrival, LoadPoint, Spread

MAX_PROCESSES = 64


@dataclass(frozen=True)
class LoadTask:
    """``base_url`` is canonical (``http://host:port/v1``). ``seed`` is the run's: the point's own is derived from it
    (core.domain.seeds). ``key_env`` names the environment variable that holds the endpoint's key; the key itself is in
    no file and no argv. ``vocabulary_size`` None: found out, or ids that every known vocabulary has. ``processes``
    None: by streams and CPU count. ``timeout_s`` is per request, from its first byte sent to its last received.
    Spreads, prefix, turns as in core.domain.workload; ``dataset_path``: a file of samples instead of drawn prompts;
    ``attempt``: how often this point was begun before, in vain; ``is_server_here``: it is known to run on this
    machine."""

    base_url: str
    served_name: str
    api: Api
    point: LoadPoint
    repeat: int
    input_tokens: int
    output_tokens: int
    seed: int
    out_dir: str
    vocabulary_size: int | None = None
    timeout_s: float = 600.0
    temperature: float = 0.0
    ignore_eos: bool = True
    key_env: str | None = None
    processes: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    input_spread: Spread | None = None
    output_spread: Spread | None = None
    prefix_share: float = 0.0
    turns: int = 1
    dataset_path: str | None = None
    attempt: int = 0
    is_server_here: bool = False

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ValueError(problem)

    def to_json(self) -> str:
        """The task file's text."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> LoadTask:
        """Reads a task file. Raises ValueError, which says what is wrong with it."""
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("a task is a JSON object")
        _refuse_unknown(cls, values)
        try:
            point = dict(values.pop("point"))
            _refuse_unknown(LoadPoint, point)
            point["arrival"] = Arrival(point.get("arrival", Arrival.CLOSED))
            values["api"] = Api(values["api"])
            for name in ("input_spread", "output_spread"):
                values[name] = Spread(**values[name]) if values.get(name) else None
            return cls(point=LoadPoint(**point), **values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the task is incomplete: {error}") from error


def _refuse_unknown(kind: type[LoadTask] | type[LoadPoint], values: dict[str, Any]) -> None:
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")


def _spreads(task: LoadTask) -> tuple[Spread | None, Spread | None]:
    return task.input_spread, task.output_spread


def _problem(task: LoadTask) -> str | None:
    return next((text for text, bad in _rules(task) if bad), None)


def _rules(task: LoadTask) -> tuple[tuple[str, bool], ...]:
    point = task.point
    closed = point.arrival is Arrival.CLOSED
    processes = 1 if task.processes is None else task.processes
    return (
        ("base_url must start with http:// or https://", not task.base_url.startswith(("http://", "https://"))),
        ("input_tokens must be at least 1", task.input_tokens < 1),
        ("output_tokens must be at least 1", task.output_tokens < 1),
        ("timeout_s must be positive", task.timeout_s <= 0),
        ("a point ends by requests or by duration_s", (point.requests is None) == (point.duration_s is None)),
        ("requests must be at least 1", point.requests is not None and point.requests < 1),
        ("duration_s must be positive", point.duration_s is not None and point.duration_s <= 0),
        ("a closed loop needs a concurrency", closed and not point.concurrency),
        ("concurrency must be at least 1", point.concurrency is not None and point.concurrency < 1),
        ("an open loop needs a rate_per_s", not closed and not (point.rate_per_s and point.rate_per_s > 0)),
        ("warmup must not be negative", point.warmup < 0),
        ("prefix_share must be from 0 to below 1", not 0 <= task.prefix_share < 1),
        ("turns must be at least 1", task.turns < 1),
        ("turns need a closed loop", task.turns > 1 and not closed),
        (
            "turns of a file need the chat route",
            task.turns > 1 and task.dataset_path is not None and task.api is not Api.CHAT,
        ),
        ("a spread goes from 1 up", any(one and not 1 <= one.low <= one.high for one in _spreads(task))),
        (
            f"processes must be 1 to {MAX_PROCESSES}",
            not 1 <= processes <= MAX_PROCESSES,
        ),
        ("vocabulary_size must be at least 2", task.vocabulary_size is not None and task.vocabulary_size < 2),
    )
