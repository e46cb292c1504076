"""The command ``seatrial eval`` that makes an evaluation: what is shown is what runs (cli/eval.py reads it)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from core.domain.endpoint import Endpoint
from core.domain.evaluation import DatasetChoice, EvaluationRequest, Hub, Limit, Sampling
from core.errors import BadInput

KEY_VARIABLE = "SEATRIAL_KEY"
JUDGE_KEY_VARIABLE = "SEATRIAL_JUDGE_KEY"
_LIMIT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<percent>%?)")
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "repetition_penalty")


def argv(request: EvaluationRequest, endpoint: Endpoint, judge: Endpoint | None) -> tuple[str, ...]:
    """Everything that a score depends on is said, also where it is the default of today."""
    sampling = request.sampling
    values = [(f"--{name.replace('_', '-')}", getattr(sampling, name)) for name in _SAMPLING]
    return (
        *("seatrial", "eval", "--url", endpoint.base_url, "--model", endpoint.served_name),
        *(word for choice in request.datasets for word in _dataset(choice)),
        *_limit(request.limit),
        *(("--repeats", str(request.repeats)) if request.repeats != 1 else ()),
        *("--sampling", "none"),
        *(word for flag, value in values if value is not None for word in (flag, _number(value))),
        *("--max-tokens", str(request.max_tokens), "--batch-size", str(request.batch_size)),
        *("--timeout", _number(request.timeout_s), "--seed", str(request.seed)),
        *(() if request.stream else ("--no-stream",)),
        *_thinking(request),
        *(("--judge-url", judge.base_url, "--judge-model", judge.served_name) if judge else ()),
        *(("--judge-key-env", JUDGE_KEY_VARIABLE) if judge and judge.key_ref else ()),
        *(("--sandbox",) if request.sandbox else ()),
        *(("--hub", request.hub.value) if request.hub is not Hub.MODELSCOPE else ()),
        *(("--key-env", KEY_VARIABLE) if endpoint.key_ref else ()),
    )


def _dataset(choice: DatasetChoice) -> tuple[str, ...]:
    subsets = f":{','.join(choice.subsets)}" if choice.subsets else ""
    return (
        *("--dataset", f"{choice.key}{subsets}"),
        *(("--few-shot", f"{choice.key}={choice.few_shot}") if choice.few_shot is not None else ()),
        *(("--folder", f"{choice.key}={choice.local_path}") if choice.local_path is not None else ()),
    )


def _limit(limit: Limit) -> tuple[str, ...]:
    if limit.count is not None:
        return ("--limit", str(limit.count))
    return ("--limit", f"{_number(round(limit.share * 100, 6))}%") if limit.share is not None else ()


def _thinking(request: EvaluationRequest) -> tuple[str, ...]:
    if request.thinking is None:
        return ()
    return ("--thinking", "on" if request.thinking else "off", "--thinking-key", request.thinking_key)


@dataclass(frozen=True)
class EvalOptions:
    """The options as they are typed. ``sampling``: auto (the vendor's for this model), none, or a preset's key; what
    else is None keeps what the endpoint's own defaults say."""

    dataset: tuple[str, ...]
    limit: str | None = None
    few_shot: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    repeats: int = 1
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    sampling: str = "auto"
    max_tokens: int | None = None
    batch_size: int | None = None
    timeout: float = 600.0
    no_stream: bool = False
    seed: int = 42
    thinking: str | None = None
    thinking_key: str | None = None
    sandbox: bool = False
    hub: str = Hub.MODELSCOPE.value
    note: str = ""


def choices_of(options: EvalOptions) -> tuple[DatasetChoice, ...]:
    """``KEY[:subset,...]``, with their few-shot numbers and folders. Raises BadInput (dataset_option_bad: value;
    dataset_option_stray: value)."""
    choices: dict[str, DatasetChoice] = {}
    for text in options.dataset:
        key, _, subsets = text.partition(":")
        if not key.strip() or key in choices:
            raise BadInput("dataset_option_bad", field="dataset", value=text)
        names = dict.fromkeys(part.strip() for part in subsets.split(",") if part.strip())
        choices[key] = DatasetChoice(key.strip(), tuple(names))
    for field, pairs in (("few_shot", options.few_shot), ("local_path", options.folder)):
        for text in pairs:
            key, _, value = text.partition("=")
            if key not in choices or not value or (field == "few_shot" and not value.isdecimal()):
                raise BadInput("dataset_option_stray", field=field, value=text)
            told = {"few_shot": int(value)} if field == "few_shot" else {"local_path": value}
            choices[key] = replace(choices[key], **told)
    return tuple(choices.values())


def limit_of(text: str | None) -> Limit:
    """``N`` samples or ``P%`` of each subset. 100 % is no limit. Raises BadInput (limit_option_bad: value)."""
    if text is None:
        return Limit()
    match = _LIMIT.fullmatch(text.strip())
    number = float(match["number"]) if match else 0.0
    if match and match["percent"] and 0 < number <= 100:
        return Limit(share=number / 100) if number < 100 else Limit()
    if match and not match["percent"] and match["number"].isdecimal() and number >= 1:
        return Limit(count=int(number))
    raise BadInput("limit_option_bad", field="limit", value=text)


def request_of(options: EvalOptions, base: EvaluationRequest) -> EvaluationRequest:
    """``base`` (the endpoint's defaults) with everything that was typed. Raises BadInput."""
    told = {name: getattr(options, name) for name in _SAMPLING if getattr(options, name) is not None}
    sampling = Sampling(temperature=None) if options.sampling == "none" else base.sampling
    if told:
        sampling = replace(sampling, **told, preset=None)
    return replace(
        base,
        datasets=choices_of(options),
        limit=limit_of(options.limit),
        repeats=options.repeats,
        sampling=sampling,
        max_tokens=base.max_tokens if options.max_tokens is None else options.max_tokens,
        batch_size=base.batch_size if options.batch_size is None else options.batch_size,
        timeout_s=options.timeout,
        stream=not options.no_stream,
        seed=options.seed,
        thinking=None if options.thinking is None else options.thinking == "on",
        thinking_key=options.thinking_key or base.thinking_key,
        sandbox=options.sandbox,
        hub=Hub(options.hub),
        note=options.note,
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
