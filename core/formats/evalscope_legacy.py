"""Reviews of EvalScope 0.x: verdict, gold answer and extracted answer lie inside the choice; tokens, times and reasons
for stopping were not kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.domain.evaluation import OVERFLOW, Sample, SampleStatus
from core.formats.evalscope import apart, is_refusal


def is_legacy(line: str) -> bool:
    """Whether a review was written by 0.x, from its first line."""
    found = _object(line)
    return "sample_score" not in found and isinstance(found.get("choices"), list)


def read_samples(dataset: str, subset: str, reviews: Iterable[str]) -> Iterator[Sample]:
    """In the file's order; lines that are not whole are left out."""
    for index, line in enumerate(reviews):
        found = _object(line)
        choices = found.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            yield _sample(dataset, subset, index, found, choices[0])


def _sample(dataset: str, subset: str, index: int, found: Mapping[str, Any], choice: Mapping[str, Any]) -> Sample:
    verdict = _mapping(choice.get("review"))
    result = verdict.get("result")
    told = result if isinstance(result, dict) else {} if result is None else {"accuracy": result}
    scores = {str(name): float(value) for name, value in told.items() if isinstance(value, int | float)}
    text, reasoning = apart(str(_mapping(choice.get("message")).get("content") or ""), "")
    refused = is_refusal(text)
    extracted = "" if refused or verdict.get("pred") is None else str(verdict["pred"]).strip()
    question = found.get("origin_prompt") or found.get("raw_input") or ""
    return Sample(
        dataset=dataset,
        subset=subset,
        index=index,
        sample_id=str(found.get("answer_id") or index),
        group_id=str(index),
        repeat=0,
        question=question if isinstance(question, str) else json.dumps(question, ensure_ascii=False),
        gold=str(verdict.get("gold") or ""),
        extracted=extracted or None,
        answer=text,
        reasoning=reasoning or None,
        metric=next(iter(scores), None),
        score=next(iter(scores.values()), None),
        status=SampleStatus.SCORED if scores else SampleStatus.UNSCORED,
        stop_reason=OVERFLOW if refused else None,
        scores=scores,
    )


def _object(line: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(line))
    except ValueError:
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
