"""A dataset of an evaluation as EvalScope 1.14's task: the configuration that our child runs, and the two spellings
that a person can run without us, as Python and as its command line. ``evalscope eval`` reads no configuration file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from core.domain.endpoint import Endpoint
from core.domain.evaluation import (
    DatasetChoice,
    DatasetKind,
    DatasetOrigin,
    EvaluationRequest,
    Hub,
    Limit,
    PlannedDataset,
    Sampling,
)

KEY_VARIABLE = "SEATRIAL_ENDPOINT_KEY"
JUDGE_KEY_VARIABLE = "SEATRIAL_JUDGE_KEY"
_JUDGE_TOKENS = 4096
RETRIES = 2
RETRY_INTERVAL_S = 5
NUMERIC_BENCHMARK = "gsm8k"
CHOICE_BENCHMARK = "general_mcq"
_QUESTION_ONLY = "{question}"
_QUESTION_AND_CHOICES = "{question}\n\n{choices}"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Place:
    """Where a step works: ``work_dir`` for EvalScope's tree, ``questions`` for the folder of a shipped or own dataset,
    ``cache`` for what comes from a hub."""

    work_dir: str
    questions: str
    cache: str


def benchmark_of(planned: PlannedDataset) -> str:
    """EvalScope's own name for what judges the dataset: numeric answers are judged as GSM8K's are."""
    names = {DatasetKind.NUMERIC: NUMERIC_BENCHMARK, DatasetKind.CHOICE: CHOICE_BENCHMARK}
    return names.get(planned.dataset.kind, planned.choice.key)


def model_id(served_name: str) -> str:
    """What EvalScope names its folders after."""
    return _UNSAFE.sub("-", PurePosixPath(served_name).name) or "model"


def task_config(
    request: EvaluationRequest, planned: PlannedDataset, endpoint: Endpoint, judge: Endpoint | None, place: Place
) -> dict[str, Any]:
    """The configuration without keys: the child puts them in. Errors are kept and counted, never raised: one bad
    request would end all others."""
    benchmark = benchmark_of(planned)
    config: dict[str, Any] = {
        "model": endpoint.served_name,
        "model_id": model_id(endpoint.served_name),
        "api_url": endpoint.base_url,
        "eval_type": "openai_api",
        "datasets": [benchmark],
        "dataset_args": {benchmark: _dataset_args(planned, place)},
        "dataset_hub": request.hub.value,
        "dataset_dir": place.cache,
        "eval_batch_size": request.batch_size,
        "generation_config": generation_config(request),
        "repeats": request.repeats,
        "limit": limit_value(request.limit),
        "seed": request.seed,
        "work_dir": place.work_dir,
        "no_timestamp": True,
        "ignore_errors": True,
        "analysis_report": False,
    }
    if judge is not None:
        config["judge"] = {"models": [_judge_model(judge)]}
    if request.sandbox:
        config["sandbox"] = {"enabled": True, "engine": "docker", "default_config": {"network_enabled": False}}
    return config


def _judge_model(judge: Endpoint) -> dict[str, Any]:
    """With room for the question in a short context: EvalScope asks for 4,096 tokens of every judge."""
    model = {"model_id": judge.served_name, "api_url": judge.base_url}
    context = judge.check.max_model_len if judge.check else None
    if context is None or context >= 2 * _JUDGE_TOKENS:
        return model
    return {**model, "generation_config": {"temperature": 0.0, "max_tokens": context // 4}}


def load_config(choice: DatasetChoice, hub: Hub, cache: str) -> dict[str, Any]:
    """A task that loads a dataset of EvalScope's and asks nobody."""
    args: dict[str, Any] = {}
    if choice.subsets:
        args["subset_list"] = list(choice.subsets)
    if choice.few_shot is not None:
        args["few_shot_num"] = choice.few_shot
    if choice.local_path is not None:
        args["local_path"] = choice.local_path
    return {
        "model": "none",
        "eval_type": "mock_llm",
        "datasets": [choice.key],
        "dataset_args": {choice.key: args},
        "dataset_hub": hub.value,
        "dataset_dir": cache,
    }


def generation_config(request: EvaluationRequest) -> dict[str, Any]:
    """Sampling and transport of every request. What is None is left to the server, but for the temperature, which
    EvalScope itself would set to 0 where nothing else is said."""
    sampling = request.sampling
    extra = _extra_body(request, sampling)
    told = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "presence_penalty": sampling.presence_penalty,
        "repetition_penalty": sampling.repetition_penalty,
    }
    return {
        "max_tokens": request.max_tokens,
        **{name: value for name, value in told.items() if value is not None},
        "seed": request.seed,
        "stream": request.stream,
        "timeout": request.timeout_s,
        "retries": RETRIES,
        "retry_interval": RETRY_INTERVAL_S,
        **({"extra_body": extra} if extra else {}),
    }


def _extra_body(request: EvaluationRequest, sampling: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {} if sampling.min_p is None else {"min_p": sampling.min_p}
    if request.thinking is not None:
        body["chat_template_kwargs"] = {request.thinking_key: request.thinking}
    return body


def limit_value(limit: Limit) -> int | float | None:
    """EvalScope reads 1.0 as one sample and 0 as all: a share of 1 is no limit, and a count is never a float."""
    if limit.count is not None:
        return limit.count
    return limit.share if limit.share is not None and 0 < limit.share < 1 else None


def _dataset_args(planned: PlannedDataset, place: Place) -> dict[str, Any]:
    choice, dataset = planned.choice, planned.dataset
    args: dict[str, Any] = {}
    subsets = choice.subsets or tuple(subset.name for subset in dataset.subsets if dataset.is_offline)
    if subsets:
        args["subset_list"] = list(subsets)
    if dataset.origin is not DatasetOrigin.EVALSCOPE:
        numeric = dataset.kind is DatasetKind.NUMERIC
        args["local_path"] = place.questions
        args["few_shot_num"] = 0
        args["prompt_template"] = _QUESTION_ONLY if numeric else _QUESTION_AND_CHOICES
        return args
    if choice.few_shot is not None:
        args["few_shot_num"] = choice.few_shot
    if choice.local_path is not None:
        args["local_path"] = choice.local_path
    return args


# ---------------------------------------------------------------- to be run without us


def merged(configs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As few tasks as say the same: EvalScope asks several datasets in one, where their names differ."""
    tasks: list[dict[str, Any]] = []
    for config in configs:
        alike = (task for task in tasks if _but_datasets(task) == _but_datasets(config))
        task = next((task for task in alike if not set(task["datasets"]) & set(config["datasets"])), None)
        if task is None:
            tasks.append({**config, "dataset_args": dict(config["dataset_args"])})
        else:
            task["datasets"] = [*task["datasets"], *config["datasets"]]
            task["dataset_args"] |= config["dataset_args"]
    return tasks


def _but_datasets(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in {"datasets", "dataset_args"}}


class Keys(NamedTuple):
    """Whether a key is asked for, by the endpoint and by the judge."""

    endpoint: bool = False
    judge: bool = False


def python_calls(configs: Sequence[Mapping[str, Any]], keys: Keys) -> str:
    """The same tasks as a few lines of Python."""
    head = [*(("import os", "") if any(keys) else ()), "from evalscope import TaskConfig, run_task"]
    return "\n\n".join(["\n".join(head), *(_python_call(config, keys) for config in configs)])


def _python_call(config: Mapping[str, Any], keys: Keys) -> str:
    key = [f'    api_key=os.environ["{KEY_VARIABLE}"],'] if keys.endpoint else []
    values = [f"    {name}={value!r}," for name, value in _portable(_with_judge_key(config, keys)).items()]
    call = "\n".join(["run_task(TaskConfig(", *values, *key, "))"])
    return call.replace(repr(f"${JUDGE_KEY_VARIABLE}"), f'os.environ["{JUDGE_KEY_VARIABLE}"]')


def cli_call(config: Mapping[str, Any], keys: Keys) -> tuple[str, ...]:
    """The same task as ``evalscope eval``; objects as JSON. A judge's key stands inside one, where no shell fills it
    in: its name does."""
    words = ["evalscope", "eval"]
    for name, value in _portable(_with_judge_key(config, keys)).items():
        words += _option(name, value)
    return (*words, *(("--api-key", f"${KEY_VARIABLE}") if keys.endpoint else ()))


def _with_judge_key(config: Mapping[str, Any], keys: Keys) -> Mapping[str, Any]:
    if not keys.judge or "judge" not in config:
        return config
    models = [{**model, "api_key": f"${JUDGE_KEY_VARIABLE}"} for model in config["judge"]["models"]]
    return {**config, "judge": {**config["judge"], "models": models}}


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if name == "datasets":
        return [flag, *value]
    if isinstance(value, bool):
        return [flag] if value else []
    return [flag, json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)]


def _portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only our own runs need, and without what is EvalScope's default."""
    ours = {"work_dir", "use_cache", "no_timestamp", "dataset_dir", "model_id", "analysis_report"}
    defaults = {"limit": None, "repeats": 1, "dataset_hub": "modelscope", "seed": 42}
    shown = {**config, "dataset_args": {name: args for name, args in config["dataset_args"].items() if args}}
    return {
        name: value
        for name, value in shown.items()
        if name not in ours and value != {} and not (name in defaults and defaults[name] == value)
    }
