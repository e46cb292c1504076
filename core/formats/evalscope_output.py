"""What EvalScope leaves in its output folder: reports, predictions and reviews, as our objects.

Read were 1.14.1 (reports of schema 2), the 1.x line before it (schema 1: a report is a score and a list of metrics) and,
as far as it says the same things, 0.x (a review inside each choice). Three habits need care: an answer cut off at
max_tokens is scored like any other; the server's "maximum context length" error becomes the answer, and is scored; a
summary subset (``is_aggregate``) would be counted twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.evaluation import OVERFLOW, DatasetReport, ReportScore, Sample, SampleStatus
from core.errors import OutputNotUnderstood

TOOL = "evalscope"
_OVER_LENGTH = re.compile(r"maximum context length|max_model_len|context length (?:is only|exceeded)", re.IGNORECASE)
_LONGEST_ERROR = 2000  # characters; an answer that only speaks of context lengths is longer, or ends by itself
_THOUGHT = re.compile(r"^\s*(?:<think>)?(.*?)</think>", re.DOTALL)
_INDEX = re.compile(rb'^\{"index": (\d+),')

Document = Mapping[str, Any]


# ---------------------------------------------------------------- reports


def read_report(document: Document, config: Document | None = None, key: str | None = None) -> DatasetReport:
    """One reports/<model>/<dataset>.json; ``config`` is configs/task_config.yaml of the same folder, ``key`` our name of
    the dataset. Raises OutputNotUnderstood."""
    try:
        name = str(document["dataset_name"])
        resolved = _resolved(config, name)
        execution = document.get("execution_summary") or {}
        return DatasetReport(
            dataset=key or name,
            pretty_name=str(document.get("dataset_pretty_name") or name),
            model=str(document.get("model_name") or ""),
            schema_version=int(document.get("schema_version") or 1),
            scores=tuple(_report_scores(document)),
            requested=execution.get("requested"),
            succeeded=execution.get("succeeded"),
            errored=execution.get("errored"),
            incomplete=execution.get("incomplete"),
            evaluation_version=_identity(config, name).get("evaluation_version"),
            revision=resolved.get("dataset_revision"),
            few_shot=resolved.get("few_shot_num"),
            prompt_template=resolved.get("prompt_template"),
            evalscope_version=(config or {}).get("evalscope_version"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutputNotUnderstood(tool=TOOL, detail=f"report: {error!r}", line=None) from error


def errored_by_subset(document: Document) -> dict[str, tuple[int, int]]:
    """How many samples of each subset were requested, and how many of them failed; empty before schema 2."""
    subsets = (document.get("execution_summary") or {}).get("subsets") or {}
    return {str(name): (int(counts["requested"]), int(counts["errored"])) for name, counts in subsets.items()}


def _resolved(config: Document | None, name: str) -> Document:
    found: Document = ((config or {}).get("resolved_benchmarks") or {}).get(name) or {}
    return found


def _identity(config: Document | None, name: str) -> Document:
    found: Document = ((config or {}).get("evaluation_identity") or {}).get("benchmarks", {}).get(name) or {}
    return found


def _report_scores(document: Document) -> Iterator[ReportScore]:
    primary = document.get("primary_metric_identity")
    for position, metric in enumerate(document["metrics"]):
        identity = metric.get("identity") or {"name": metric["name"]}
        is_primary = identity == primary if primary else position == 0
        yield _report_score(metric, metric, identity, is_primary, None, None)
        categories = metric.get("categories") or ()
        for category in categories:
            words = "/".join(_names(category.get("name")))
            if len(categories) > 1 and len(category.get("subsets") or ()) > 1:
                yield _report_score(category, metric, identity, is_primary, None, words)
            for subset in category.get("subsets") or ():
                if not subset.get("is_aggregate"):
                    yield _report_score(subset, metric, identity, is_primary, str(subset["name"]), words)


def _report_score(
    figures: Document, metric: Document, identity: Document, is_primary: bool, subset: str | None, category: str | None
) -> ReportScore:
    semantics = metric.get("semantics") or {}
    return ReportScore(
        subset=subset,
        category=category,
        metric=str(identity["name"]),
        aggregation=str(identity.get("aggregation") or "mean"),
        score=float(figures["score"]),
        n=int(figures.get("num") or 0),
        is_primary=is_primary,
        macro_score=figures.get("macro_score"),
        higher_is_better=semantics.get("direction", "higher_is_better") != "lower_is_better",
        multiplier=float(semantics.get("display_multiplier") or (100.0 if not semantics else 1.0)),
        unit=str(semantics.get("display_unit") or ("%" if not semantics else "")),
        dimensions=identity.get("dimensions") or {},
    )


def _names(name: object) -> Sequence[str]:
    """A category's path; 0.x wrote a string."""
    return [str(part) for part in name] if isinstance(name, (list, tuple)) else [str(name or "")]


# ---------------------------------------------------------------- samples


def line_index(line: bytes) -> int | None:
    """The index at the head of a prediction's line, without reading the rest; None where it is elsewhere."""
    found = _INDEX.match(line)
    return int(found.group(1)) if found else None


def read_line(line: bytes) -> dict[str, Any] | None:
    """One line of a JSONL file; None for one that was cut off when its writer was killed or its disk was full."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def read_sample(dataset: str, subset: str, prediction: Document | None, review: Document | None, index: int) -> Sample:
    """One sample from its prediction, its review, or both. Raises OutputNotUnderstood."""
    try:
        if review is not None and "sample_score" not in review:
            return _sample_of_0(dataset, subset, review, index)
        return _sample(dataset, subset, prediction or {}, review or {}, index)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise OutputNotUnderstood(tool=TOOL, detail=f"{subset} {index}: {error!r}", line=index) from error


def _sample(dataset: str, subset: str, prediction: Document, review: Document, index: int) -> Sample:
    output = prediction.get("model_output") or {}
    messages = review.get("messages") or prediction.get("messages") or ()
    answer, reasoning, stop_reason = _answer(output, messages)
    usage, perf = output.get("usage") or {}, output.get("perf_metrics") or {}
    sample_score = review.get("sample_score") or {}
    score = sample_score.get("score") or {}
    values = {name: float(value) for name, value in (score.get("value") or {}).items() if value is not None}
    metric = score.get("main_score_name") or next(iter(values), None)
    error = output.get("error")
    overflows = stop_reason == OVERFLOW or _is_over_length(answer, usage)
    return Sample(
        dataset=dataset,
        subset=subset,
        index=index,
        sample_id=str(sample_score.get("sample_id", index)),
        group_id=str(sample_score.get("group_id", index)),
        repeat=int(sample_score.get("generation_index") or 0),
        question=_question(messages, review.get("input")),
        gold=_gold(review.get("target")),
        extracted=None if overflows else (str(score.get("extracted_prediction") or "").strip() or None),
        answer=answer,
        reasoning=reasoning,
        metric=metric,
        score=values.get(metric) if metric else None,
        status=_status(review, score.get("status"), values, error),
        stop_reason=OVERFLOW if overflows else stop_reason,
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        reasoning_tokens=usage.get("reasoning_tokens"),
        latency_ms=_ms(perf.get("latency") or output.get("time")),
        ttft_ms=_ms(perf.get("ttft")),
        error=str(error) if error else None,
        explanation=score.get("explanation"),
        scores=values,
    )


def _sample_of_0(dataset: str, subset: str, review: Document, index: int) -> Sample:
    """EvalScope 0.x: answer, gold and verdict lie in the choice; stop reasons and tokens were not kept."""
    choice = review["choices"][0]
    verdict = choice.get("review") or {}
    result = verdict.get("result")
    values = result if isinstance(result, Mapping) else {} if result is None else {"result": result}
    scores = {str(name): float(value) for name, value in values.items()}
    text, thought = _split(str((choice.get("message") or {}).get("content") or ""))
    overflows = _is_over_length(text, {})
    extracted = verdict.get("pred")
    return Sample(
        dataset=dataset,
        subset=subset,
        index=index,
        sample_id=str(review.get("answer_id") or index),
        group_id=str(review.get("index", index)),
        repeat=0,
        question=str(review.get("origin_prompt") or review.get("raw_input") or ""),
        gold=str(verdict.get("gold") or ""),
        extracted=None if overflows else (str(extracted).strip() or None if extracted is not None else None),
        answer=text,
        reasoning=thought,
        metric=next(iter(scores), None),
        score=next(iter(scores.values()), None),
        status=SampleStatus.SCORED if scores else SampleStatus.UNSCORED,
        stop_reason=OVERFLOW if overflows else None,
        scores=scores,
    )


def _status(review: Document, status: object, values: Document, error: object) -> SampleStatus:
    if values and status in {None, "success", "degraded"}:
        return SampleStatus.SCORED
    return SampleStatus.ERRORED if error and not review else SampleStatus.UNSCORED


def _answer(output: Document, messages: Sequence[Document]) -> tuple[str, str | None, str | None]:
    """Visible text, reasoning, and why it ended: from the prediction, else from the review's conversation."""
    choices = output.get("choices") or ()
    if choices:
        message, stop_reason = choices[0].get("message") or {}, choices[0].get("stop_reason")
    else:
        last = messages[-1] if messages else {}
        message, stop_reason = (last if last.get("role") == "assistant" else {}), None
    text, thought = _content(message.get("content"))
    if thought is None:
        text, thought = _split(text)
    return text, thought, stop_reason


def _content(content: object) -> tuple[str, str | None]:
    if not isinstance(content, list):
        return str(content or ""), None
    text = "".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    thought = "".join(str(part.get("reasoning") or "") for part in content if part.get("type") == "reasoning")
    return text, thought or None


def _split(text: str) -> tuple[str, str | None]:
    """Thinking that the server left inside the answer. Some chat templates open it themselves, so only its end shows."""
    found = _THOUGHT.match(text)
    return (text[found.end() :].lstrip(), found.group(1).strip() or None) if found else (text, None)


def _is_over_length(answer: str, usage: Document) -> bool:
    """The server's refusal, kept as an answer: it has no usage, and speaks of the context length."""
    return not usage and len(answer) <= _LONGEST_ERROR and _OVER_LENGTH.search(answer) is not None


def _question(messages: Sequence[Document], legacy: object) -> str:
    asked = [message for message in messages if message.get("role") == "user"]
    return _content(asked[-1].get("content"))[0] if asked else str(legacy or "")


def _gold(target: object) -> str:
    return " | ".join(str(one) for one in target) if isinstance(target, list) else str(target or "")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else float(seconds) * 1000
