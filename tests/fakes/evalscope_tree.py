"""An output folder as EvalScope 1.14 leaves it, with a known share of right, cut off and refused answers. Field names
and habits were recorded from 1.14.1."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REFUSAL = (
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (904 in the messages, 4096"
    " in the completion). Please reduce the length of the messages or completion."
)
INSTRUCTION = "Answer the following question. The last line of your answer is the answer alone.\n\n"


@dataclass(frozen=True)
class Answers:
    """How many of a subset's answers end how; the rest is wrong. ``repeats`` asks every question so often."""

    count: int
    right: int
    truncated: int = 0
    overflow: int = 0
    no_answer: int = 0
    errored: int = 0
    repeats: int = 1
    reasoning: bool = False


def write_tree(
    folder: Path,
    model: str,
    datasets: Mapping[str, Mapping[str, Answers]],
    *,
    seed: int = 1,
    limit: float | None = None,
    sampling: Mapping[str, Any] | None = None,
    url: str = "http://127.0.0.1:8000/v1",
    max_tokens: int = 512,
    prompt: str = "{question}",
    text_length: int = 0,
    question_length: int = 0,
) -> Path:
    """Reports, predictions, reviews and the saved configuration of one evaluation."""
    repeats = max(answers.repeats for subsets in datasets.values() for answers in subsets.values())
    for dataset, subsets in datasets.items():
        for subset, answers in subsets.items():
            _write_samples(folder, model, dataset, subset, answers, seed, (question_length, text_length))
        _write(folder / "reports" / model / f"{dataset}.json", json.dumps(_report(model, dataset, subsets)))
    config = {
        "api_key": "**********",
        "api_url": url,
        "datasets": list(datasets),
        "dataset_args": {name: {} for name in datasets},
        "eval_batch_size": 4,
        "evalscope_version": "1.14.1",
        "evaluation_identity": {"benchmarks": {name: {"evaluation_version": "v1.1"} for name in datasets}},
        "generation_config": {"max_tokens": max_tokens, **({"temperature": 0.0} if sampling is None else sampling)},
        "limit": limit,
        "model": model,
        "model_id": model,
        "repeats": repeats,
        "resolved_benchmarks": {
            name: {"dataset_revision": None, "few_shot_num": 0, "prompt_template": prompt} for name in datasets
        },
        "seed": 42,
    }
    _write(folder / "configs" / "task_config.yaml", yaml.safe_dump(config))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_samples(
    folder: Path, model: str, dataset: str, subset: str, answers: Answers, seed: int, lengths: tuple[int, int]
) -> None:
    """Questions are the same for every seed; which are right is not. Lines stand in the order of the answers."""
    endings = _endings(answers, random.Random(f"{seed}/{dataset}/{subset}"))
    order = [index for index, ending in enumerate(endings) if ending != "errored"]
    random.Random(seed).shuffle(order)
    predictions, reviews = [], []
    for index in order:
        prediction, review = _sample(dataset, subset, index, endings[index], answers, lengths)
        predictions.append(json.dumps(prediction, ensure_ascii=False))
        reviews.append(json.dumps(review, ensure_ascii=False))
    for part, lines in (("predictions", predictions), ("reviews", reviews)):
        _write(folder / part / model / f"{dataset}_{subset}.jsonl", "".join(f"{line}\n" for line in lines))


def _endings(answers: Answers, chance: random.Random) -> Sequence[str]:
    kinds = ["right"] * answers.right
    for name in ("truncated", "overflow", "no_answer", "errored"):
        kinds += [name] * getattr(answers, name)
    kinds += ["wrong"] * (answers.count * answers.repeats - len(kinds))
    chance.shuffle(kinds)
    return kinds


def _sample(
    dataset: str, subset: str, index: int, ending: str, answers: Answers, lengths: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    group, repeat = divmod(index, answers.repeats)
    numbers = random.Random(f"{dataset}/{subset}/{group}")
    first, second = numbers.randint(10, 999), numbers.randint(10, 999)
    gold = str(first + second)
    said = gold if ending == "right" else str(first + second + numbers.randint(1, 9))
    text = _text(ending, said, first, second) + " as said" * (lengths[1] // 8)
    padding = "An example of what is wanted.\n" * (lengths[0] // 30)
    question = f"{INSTRUCTION}{padding}[{subset} {group}] What is {first} plus {second}?"
    blocks: Any = text
    if answers.reasoning and ending != "overflow":
        blocks = [
            {"type": "reasoning", "reasoning": f"{first} and {second} make {said}."},
            {"type": "text", "text": text},
        ]
    message = {"role": "assistant", "content": blocks}
    messages = [{"role": "user", "content": question}, message]
    stop = {"truncated": "max_tokens", "overflow": "model_length"}.get(ending, "stop")
    answered = ending != "overflow"
    output = {
        "choices": [{"message": message, "stop_reason": stop}],
        "usage": {"input_tokens": 40, "output_tokens": 30 + index % 50} if answered else None,
        "time": 0.5 if answered else None,
        "error": None,
        "perf_metrics": {"latency": 0.5 + index % 7 / 10, "ttft": 0.05} if answered else None,
    }
    extracted = "" if ending in {"overflow", "truncated", "no_answer"} else said
    score = {
        "value": {"accuracy": float(ending == "right")},
        "status": "success",
        "extracted_prediction": extracted,
        "prediction": text,
        "main_score_name": "accuracy",
    }
    common = {"index": index, "messages": messages}
    sample_score = {"score": score, "sample_id": index, "group_id": group, "generation_index": repeat}
    return (
        {**common, "model": "m", "model_output": output, "metadata": {"id": f"{subset}-{group}"}},
        {**common, "target": [gold], "sample_score": sample_score},
    )


def _text(ending: str, said: str, first: int, second: int) -> str:
    if ending == "overflow":
        return REFUSAL
    if ending == "truncated":
        return f"Let me add {first} and {second}. First the hundreds, then"
    if ending == "no_answer":
        return "I would rather not say."
    return f"{first} plus {second} makes {said}.\n{said}"


def _report(model: str, dataset: str, subsets: Mapping[str, Answers]) -> dict[str, Any]:
    scored = {name: answers.count * answers.repeats - answers.errored for name, answers in subsets.items()}
    right = {name: answers.right for name, answers in subsets.items()}
    num = sum(scored.values())
    figures = {"num": num, "score": round(sum(right.values()) / num, 4) if num else 0.0, "macro_score": 0.0}
    identity = {"name": "accuracy", "aggregation": "mean", "dimensions": {}}
    requested = {name: answers.count * answers.repeats for name, answers in subsets.items()}
    errored = sum(answers.errored for answers in subsets.values())
    parts = [
        {"name": name, "num": scored[name], "score": round(right[name] / scored[name], 4), "is_aggregate": False}
        for name in subsets
        if scored[name]
    ]
    metric = {
        "identity": identity,
        **figures,
        "categories": [{"name": ["default"], **figures, "subsets": parts}],
        "semantics": {"direction": "higher_is_better", "display_multiplier": 100.0, "display_unit": "%"},
    }
    return {
        "schema_version": 2,
        "name": f"{model}@{dataset}",
        "dataset_name": dataset,
        "dataset_pretty_name": dataset.upper(),
        "model_name": model,
        "metrics": [metric] if num else [],
        "primary_metric_identity": identity if num else None,
        "execution_summary": {
            "requested": sum(requested.values()),
            "succeeded": num,
            "errored": errored,
            "incomplete": errored > 0,
            "subsets": {
                name: {"requested": requested[name], "succeeded": scored[name], "errored": subsets[name].errored}
                for name in subsets
            },
        },
        "num": num,
    }
