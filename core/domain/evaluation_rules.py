"""What can be said of an evaluation before it runs. Sentences: render/texts [finding], codes ``eval_*``."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from core.domain.endpoint import Endpoint
from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    DatasetOrigin,
    EvaluationRequest,
    Limit,
    Need,
    PlannedDataset,
    SamplingPreset,
)
from core.domain.finding import Finding, Severity
from core.domain.limits import ServingLimits

REASONING_TOKENS = 8192
"""Below it, a model that thinks is often cut off before its answer: R1's mean on AIME is beyond it."""

_CHARS_PER_TOKEN = {"zh": 1.5}
_USUAL_CHARS_PER_TOKEN = 3.5
_CAUTION = 1.3
"""A tokenizer that fits a language badly: what is made room for, on top of the usual."""
_TEMPLATE_TOKENS = 64
_FEW_SAMPLES = 100
BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE


@dataclass(frozen=True)
class Surroundings:
    """What a request is held against. ``folders``: why a local folder cannot be used, by its path; ``cached``: keys
    that need no hub; ``sandbox``: None where it works, else why not (eval_sandbox_missing, eval_sandbox_no_engine)."""

    limits: ServingLimits = field(default_factory=ServingLimits)
    judge: Endpoint | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    sandbox: str | None = None
    advised: SamplingPreset | None = None


def plan_dataset(choice: DatasetChoice, dataset: Dataset, limit: Limit, repeats: int) -> PlannedDataset:
    """How much will be asked of one dataset."""
    questions = _questions(choice, dataset, limit)
    requests = None if questions is None else questions * repeats
    per_prompt = prompt_tokens(dataset)
    tokens = None if requests is None or per_prompt is None else math.ceil(requests * per_prompt)
    return PlannedDataset(choice, dataset, questions, requests, tokens)


def prompt_tokens(dataset: Dataset) -> float | None:
    """Tokens of a mean prompt, from its characters and its language; None where its length is not known."""
    return None if dataset.prompt_chars is None else _tokens(dataset.prompt_chars, dataset)


def _tokens(chars: float, dataset: Dataset) -> float:
    rates = [_CHARS_PER_TOKEN.get(language, _USUAL_CHARS_PER_TOKEN) for language in dataset.languages]
    return chars / (min(rates) if rates else _USUAL_CHARS_PER_TOKEN) + _TEMPLATE_TOKENS


def _questions(choice: DatasetChoice, dataset: Dataset, limit: Limit) -> int | None:
    """EvalScope limits each subset: the first N, or ``int(size * share)``."""
    wanted = [subset for subset in dataset.subsets if not choice.subsets or subset.name in choice.subsets]
    sizes = [subset.samples for subset in wanted if subset.samples is not None]
    if len(sizes) < len(wanted):
        return dataset.samples if not choice.subsets and limit.is_none else None
    return sum(_limited(size, limit) for size in sizes)


def _limited(size: int, limit: Limit) -> int:
    if limit.count is not None:
        return min(size, limit.count)
    return int(size * limit.share) if limit.share is not None and 0 < limit.share < 1 else size


# ---------------------------------------------------------------- findings


def evaluation_findings(
    request: EvaluationRequest, endpoint: Endpoint, known: Mapping[str, Dataset], around: Surroundings
) -> Iterator[Finding]:
    """Blocks, warnings and notes, by the request's field."""
    yield from _number_findings(request)
    yield from _limit_findings(request, known)
    yield from _dataset_findings(request, known, around)
    yield from _length_findings(request, endpoint, known, around.limits)
    yield from _batch_findings(request, around.limits)
    yield from _sampling_findings(request, endpoint, around.advised, around.limits)
    yield from _judge_findings(request, endpoint, around.judge)


def _number_findings(request: EvaluationRequest) -> Iterator[Finding]:
    lowest: dict[str, tuple[float, float]] = {
        "repeats": (request.repeats, 1),
        "max_tokens": (request.max_tokens, 1),
        "batch_size": (request.batch_size, 1),
        "timeout_s": (request.timeout_s, 1),
        "seed": (request.seed, 0),
    }
    if request.sampling.temperature is not None:
        lowest["temperature"] = (request.sampling.temperature, 0)
    for name, (value, least) in lowest.items():
        if not isfinite(value) or value < least:
            shown = value if isfinite(value) else None
            yield Finding("eval_too_small", BLOCK, name, {"value": shown, "least": least})
    if request.sampling.top_p is not None and not 0 < request.sampling.top_p <= 1:
        yield Finding("eval_top_p_bad", BLOCK, "top_p", {"value": request.sampling.top_p})


def _limit_findings(request: EvaluationRequest, known: Mapping[str, Dataset]) -> Iterator[Finding]:
    limit = request.limit
    if limit.count is not None and limit.share is not None:
        yield Finding("eval_limit_twice", BLOCK, "limit")
    elif limit.count is not None and limit.count < 1:
        yield Finding("eval_too_small", BLOCK, "limit", {"value": limit.count, "least": 1})
    elif limit.share is not None and not 0 < limit.share < 1:
        yield Finding("eval_share_bad", BLOCK, "limit", {"percent": round(limit.share * 100, 3)})
    elif not limit.is_none:
        yield from _limited_findings(request, known)


def _limited_findings(request: EvaluationRequest, known: Mapping[str, Dataset]) -> Iterator[Finding]:
    yield Finding("eval_limited", NOTE, "limit")
    for choice in request.datasets:
        dataset = known.get(choice.key)
        for subset in dataset.subsets if dataset else ():
            wanted = not choice.subsets or subset.name in choice.subsets
            if wanted and subset.samples and _limited(subset.samples, request.limit) == 0:
                names: dict[str, str | int] = {"dataset": choice.key, "subset": subset.name}
                severity = WARN if _asks_anything(request, known) else BLOCK
                yield Finding("eval_share_empty", severity, "limit", {**names, "samples": subset.samples})
                return


def _asks_anything(request: EvaluationRequest, known: Mapping[str, Dataset]) -> bool:
    planned = [plan_dataset(one, known[one.key], request.limit, 1) for one in request.datasets if one.key in known]
    return all(one.questions != 0 for one in planned)


def _dataset_findings(
    request: EvaluationRequest, known: Mapping[str, Dataset], around: Surroundings
) -> Iterator[Finding]:
    if not request.datasets:
        yield Finding("eval_no_datasets", BLOCK, "datasets")
    keys = [choice.key for choice in request.datasets]
    for key in dict.fromkeys(keys):
        if keys.count(key) > 1:
            yield Finding("eval_dataset_twice", BLOCK, "datasets", {"key": key})
    for choice in request.datasets:
        dataset = known.get(choice.key)
        if dataset is None:
            near = difflib.get_close_matches(choice.key, list(known), n=3)
            code = "eval_dataset_unknown" if near else "eval_dataset_strange"
            yield Finding(code, BLOCK, "datasets", {"key": choice.key, "near": ", ".join(near)})
            continue
        yield from _subset_findings(choice, dataset)
        yield from _folder_findings(choice, around)
        yield from _need_findings(dataset, request, around)
    yield from _hub_findings(request, known, around)
    yield from _few_findings(request, known)


def _subset_findings(choice: DatasetChoice, dataset: Dataset) -> Iterator[Finding]:
    names = [subset.name for subset in dataset.subsets]
    for subset in choice.subsets:
        if subset not in names:
            near = difflib.get_close_matches(subset, names, n=3) or names[:3]
            params = {"key": choice.key, "subset": subset, "near": ", ".join(near)}
            yield Finding("eval_subset_unknown", BLOCK, "datasets", params)
    if choice.few_shot is not None and choice.few_shot < 0:
        yield Finding("eval_too_small", BLOCK, "few_shot", {"value": choice.few_shot, "least": 0})


def _folder_findings(choice: DatasetChoice, around: Surroundings) -> Iterator[Finding]:
    problem = around.folders.get(choice.local_path) if choice.local_path is not None else None
    if problem:
        yield Finding(problem, BLOCK, "local_path", {"folder": choice.local_path, "key": choice.key})


def _hub_findings(request: EvaluationRequest, known: Mapping[str, Dataset], around: Surroundings) -> Iterator[Finding]:
    wanted = [
        choice.key
        for choice in request.datasets
        if choice.local_path is None and choice.key not in around.cached and _is_from_hub(known.get(choice.key))
    ]
    if wanted:
        told = {"keys": ", ".join(wanted), "hub": request.hub.label}
        yield Finding("eval_from_hub", NOTE, "hub", {**told, "count": len(wanted)})


def _is_from_hub(dataset: Dataset | None) -> bool:
    return dataset is not None and dataset.origin is DatasetOrigin.EVALSCOPE


def _need_findings(dataset: Dataset, request: EvaluationRequest, around: Surroundings) -> Iterator[Finding]:
    """What a dataset needs beside the model."""
    name = {"key": dataset.key}
    if Need.AGENT in dataset.needs:
        yield Finding("eval_agent", BLOCK, "datasets", name)
    if Need.EXTRA in dataset.needs:
        yield Finding("eval_extra_missing", BLOCK, "datasets", {**name, "modules": " ".join(dataset.modules)})
    if Need.SANDBOX in dataset.needs and not request.sandbox:
        yield Finding("eval_needs_sandbox", BLOCK, "sandbox", name)
    elif Need.SANDBOX in dataset.needs and around.sandbox:
        yield Finding(around.sandbox, BLOCK, "sandbox", name)
    if Need.JUDGE in dataset.needs and request.judge_endpoint_id is None:
        yield Finding("eval_needs_judge", BLOCK, "judge_endpoint_id", name)
    if Need.IMAGES in dataset.needs:
        yield Finding("eval_needs_images", WARN, "datasets", name)


def _few_findings(request: EvaluationRequest, known: Mapping[str, Dataset]) -> Iterator[Finding]:
    """Twenty questions tell 40 % from 80 %, and little else."""
    for choice in request.datasets:
        dataset = known.get(choice.key)
        planned = plan_dataset(choice, dataset, request.limit, 1) if dataset else None
        if planned and planned.questions and planned.questions < _FEW_SAMPLES:
            half_width = round(100 * 1.96 * math.sqrt(0.25 / planned.questions))
            count = planned.questions
            yield Finding(
                "eval_few_questions", NOTE, "limit", {"key": choice.key, "count": count, "points": half_width}
            )
            return


def _length_findings(
    request: EvaluationRequest, endpoint: Endpoint, known: Mapping[str, Dataset], limits: ServingLimits
) -> Iterator[Finding]:
    """vLLM refuses a request whose prompt and ``max_tokens`` together are beyond the context, and EvalScope scores the
    refusal as a wrong answer."""
    check = endpoint.check
    context = limits.max_model_len
    if check is not None and check.reachable and context is None:
        yield Finding("eval_context_unknown", NOTE, "max_tokens")
    if context is not None:
        yield from _context_findings(request, known, context)
    thinks = request.thinking is not False and (request.thinking or (check is not None and check.reasons is True))
    if thinks and request.max_tokens < REASONING_TOKENS:
        params = {"max_tokens": request.max_tokens, "enough": REASONING_TOKENS}
        yield Finding("eval_short_for_reasoning", WARN, "max_tokens", params)


def _context_findings(request: EvaluationRequest, known: Mapping[str, Dataset], context: int) -> Iterator[Finding]:
    """Blocked where already a usual prompt does not fit, warned of where the longest does not."""
    prompts = [prompt_tokens(known[choice.key]) or 0 for choice in request.datasets if choice.key in known]
    usual, longest = math.ceil(max(prompts, default=_TEMPLATE_TOKENS)), longest_prompt(request, known)
    params = {"max_tokens": request.max_tokens, "context": context}
    if usual + request.max_tokens > context:
        room = max(0, context - usual)
        yield Finding("eval_over_context", BLOCK, "max_tokens", {**params, "prompt": usual, "room": room})
    elif longest >= context:
        yield Finding("eval_prompts_over_context", WARN, "max_tokens", {"prompt": longest, "context": context})
    elif longest + request.max_tokens > context:
        fits = context - longest
        yield Finding("eval_some_over_context", WARN, "max_tokens", {**params, "prompt": longest, "room": fits})


def fitting_max_tokens(request: EvaluationRequest, known: Mapping[str, Dataset], context: int | None) -> int:
    """What of ``max_tokens`` the longest prompt leaves; where that is beyond half of the context, half of it."""
    if context is None:
        return request.max_tokens
    return max(1, min(request.max_tokens, context - min(longest_prompt(request, known), context // 2)))


def longest_prompt(request: EvaluationRequest, known: Mapping[str, Dataset]) -> int:
    """Tokens of the longest prompt of all the datasets, cautiously."""
    return max((_longest(known.get(choice.key)) for choice in request.datasets), default=0)


def _longest(dataset: Dataset | None) -> int:
    chars = (dataset.longest_chars or dataset.prompt_chars) if dataset else None
    return math.ceil(_tokens(chars, dataset) * _CAUTION) if dataset and chars else _TEMPLATE_TOKENS


def _batch_findings(request: EvaluationRequest, limits: ServingLimits) -> Iterator[Finding]:
    most = limits.max_concurrency
    if most is not None and request.batch_size > most:
        params = {"batch_size": request.batch_size, "most": most, "profile": limits.name}
        yield Finding("eval_batch_over", BLOCK, "batch_size", params, limits.source)


def _sampling_findings(
    request: EvaluationRequest, endpoint: Endpoint, advised: SamplingPreset | None, limits: ServingLimits
) -> Iterator[Finding]:
    sampling = request.sampling
    if advised is not None and advised.pattern and not sampling.is_like(advised.sampling):
        params = {"model": endpoint.served_name, "preset": advised.name}
        yield Finding("eval_sampling_differs", NOTE, "sampling", params, advised.source)
    refused = [name for name in limits.refused_sampling if getattr(sampling, name, None) is not None]
    if refused:
        told = {"names": ", ".join(refused), "platform": limits.platform}
        yield Finding("eval_sampling_refused", WARN, "sampling", told)
    if sampling.temperature == 0 and request.repeats > 1:
        yield Finding("eval_greedy_repeats", WARN, "repeats", {"repeats": request.repeats})


def _judge_findings(request: EvaluationRequest, endpoint: Endpoint, judge: Endpoint | None) -> Iterator[Finding]:
    if request.judge_endpoint_id is None:
        return
    if judge is None:
        yield Finding("eval_judge_unknown", BLOCK, "judge_endpoint_id")
    elif judge.id == endpoint.id:
        yield Finding("eval_judge_itself", WARN, "judge_endpoint_id", {"name": judge.name})
    elif judge.server_key == endpoint.server_key:
        yield Finding("eval_judge_same_server", WARN, "judge_endpoint_id", {"name": judge.name})
    elif judge.check is not None and not judge.check.reachable:
        yield Finding("eval_judge_unreachable", BLOCK, "judge_endpoint_id", {"name": judge.name})


def advised_sampling(served_name: str, presets: Sequence[SamplingPreset]) -> SamplingPreset | None:
    """The first preset whose pattern is found in the name; the general one has an empty pattern and comes last."""
    return next((one for one in presets if re.search(one.pattern, served_name, re.IGNORECASE)), None)
