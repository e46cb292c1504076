"""EvalScope's saved configuration (configs/task_config.yaml) as our request. Old spellings are read, too: ``n`` for
repeats, ``timeout`` and ``stream`` beside generation_config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from core.domain.evaluation import DatasetChoice, EvaluationRequest, Hub, Limit, Sampling
from core.errors import OutputNotUnderstood

Config = Mapping[str, Any]
NOT_TOLD = 0
"""For max_tokens, where the configuration is missing: EvalScope then leaves it to the server."""

_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "repetition_penalty")


def read_config(text: str) -> dict[str, Any]:
    """Raises OutputNotUnderstood."""
    try:
        config = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise OutputNotUnderstood(tool="evalscope", detail=f"task_config.yaml: {error}", line="") from error
    return config if isinstance(config, dict) else {}


def read_request(config: Config, datasets: tuple[str, ...], endpoint_id: str = "") -> EvaluationRequest:
    """What was asked, of these datasets. Where there is no configuration: all of it unknown, read as the defaults."""
    generation = _mapping(config.get("generation_config"))
    arguments = _mapping(config.get("dataset_args"))
    template = _mapping(_mapping(generation.get("extra_body")).get("chat_template_kwargs"))
    thinking_key = next((key for key in ("enable_thinking", "thinking") if key in template), "enable_thinking")
    return EvaluationRequest(
        endpoint_id=endpoint_id,
        datasets=tuple(_choice(name, _mapping(arguments.get(name))) for name in datasets),
        limit=read_limit(config.get("limit")),
        repeats=int(config.get("repeats") or generation.get("n") or 1),
        sampling=_sampling(config, generation),
        max_tokens=int(generation.get("max_tokens") or NOT_TOLD),
        batch_size=int(config.get("eval_batch_size") or 1),
        timeout_s=float(generation.get("timeout") or config.get("timeout") or 600.0),
        stream=bool(generation.get("stream") or config.get("stream")),
        seed=int(config.get("seed") or 0),
        thinking=template.get(thinking_key),
        thinking_key=thinking_key,
        sandbox=bool(_mapping(config.get("sandbox")).get("enabled")),
        hub=Hub.HUGGINGFACE if config.get("dataset_hub") == Hub.HUGGINGFACE else Hub.MODELSCOPE,
    )


def read_limit(value: object) -> Limit:
    """A whole number is a count, also when written 10.0; a fraction a share; nothing and 0 mean all."""
    if not isinstance(value, int | float) or not value:
        return Limit()
    return Limit(share=float(value)) if 0 < value < 1 else Limit(count=int(value))


def _choice(name: str, arguments: Config) -> DatasetChoice:
    few_shot = arguments.get("few_shot_num")
    subsets = tuple(str(subset) for subset in arguments.get("subset_list") or ())
    return DatasetChoice(name, subsets, None if few_shot is None else int(few_shot), arguments.get("local_path"))


def _sampling(config: Config, generation: Config) -> Sampling:
    """EvalScope asks for temperature 0 where nothing at all is said of the answers; without a configuration nothing is
    known. What a server takes beyond OpenAI's words stands in ``extra_body``, which wins."""
    said = {**generation, **_mapping(generation.get("extra_body"))}
    told = {name: said[name] for name in _SAMPLING if isinstance(said.get(name), int | float)}
    default = 0.0 if config and not generation else None
    return Sampling(**{"temperature": default, **told})


def _mapping(value: object) -> Config:
    return value if isinstance(value, dict) else {}
