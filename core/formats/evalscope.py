"""EvalScope's output tree, read without EvalScope: reports (schema 2 of 1.14, and the ones before), predictions and
reviews, the saved configuration, and what its log tells on the way. Every text here was recorded from 1.14.1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import yaml

from core.domain.evaluation import OVERFLOW, BenchmarkSettings, DatasetReport, ReportScore, Sample, SampleStatus
from core.errors import OutputNotUnderstood

TOOL = "evalscope"
USABLE = frozenset({"success", "fallback"})
"""The score statuses that say what was asked for; the others are no zeros."""
DEGRADED = "degraded"
"""The rule's score where the judge failed. EvalScope takes it into the mean; a judged score it is not."""

_LEGACY_METRIC = re.compile(r"(?:mean_|Average)?(?:acc|accuracy|AverageAccuracy)", re.IGNORECASE)
_FAILED_ITEM = re.compile(r"Processing item in subset='(?P<subset>[^']*)' failed: (?P<error>.*)")
_UNREACHABLE_HUB = re.compile(
    r"_DownloadDeadlineError|Couldn't reach|Max retries exceeded|Temporary failure in name resolution"
    r"|Name or service not known|Network is unreachable|LocalEntryNotFoundError|OfflineModeIsEnabled"
)
_OVER_LENGTH = re.compile(r"maximum context length|max_model_len|context length (?:is only|exceeded)", re.IGNORECASE)
_LONGEST_REFUSAL = 2000  # characters; an answer that only speaks of context lengths has usage, too
_THOUGHT = re.compile(r"^\s*(?:<think>)?(.*?)</think>", re.DOTALL)
_SANDBOX_FAILED = re.compile(r"Code execution in sandbox failed: (?P<error>.*)")
_SANDBOX_WHY = re.compile(r"\[ERROR:ms_enclave\] (?P<error>Failed to .*)")
_SANDBOX = re.compile(r"Added sandbox (?P<id>\w+) to pool")
_DISK_FULL = re.compile(r"\[Errno 28\]|No space left on device")


# ---------------------------------------------------------------- reports


def read_report(text: str, key: str | None = None) -> DatasetReport:
    """One ``reports/<model>/<dataset>.json``, under our own key where it has one. Raises OutputNotUnderstood."""
    try:
        found = json.loads(text)
        return _report(found, key or str(found["dataset_name"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputNotUnderstood(tool=TOOL, detail=f"report: {error!r}", line=text[:200]) from error


def _report(found: Mapping[str, Any], key: str) -> DatasetReport:
    schema = int(found.get("schema_version") or 1)
    primary = found.get("primary_metric_identity")
    metrics = list(found.get("metrics") or [])
    scores: list[ReportScore] = []
    for position, metric in enumerate(metrics):
        is_primary = metric.get("identity") == primary if schema >= 2 and primary else position == 0
        scores += _metric_scores(metric, is_primary)
    told = found.get("execution_summary") or {}
    return DatasetReport(
        dataset=key,
        pretty_name=str(found.get("dataset_pretty_name") or found["dataset_name"]),
        model=str(found.get("model_name") or ""),
        schema_version=schema,
        scores=tuple(scores),
        requested=told.get("requested"),
        succeeded=told.get("succeeded"),
        errored=told.get("errored"),
        incomplete=told.get("incomplete"),
        judge=_names(_mapping(found.get("judge_summary")).get("judge_models")),
    )


def _metric_scores(metric: Mapping[str, Any], is_primary: bool) -> Iterator[ReportScore]:
    """The whole, then every subset that is not itself a sum of others. A score without samples is no score."""
    name, aggregation, dimensions = _identity(metric)
    semantics = metric.get("semantics") or {}
    base = ReportScore(
        subset=None,
        category=None,
        metric=name,
        aggregation=aggregation,
        score=float(metric["score"]),
        n=int(metric.get("num") or 0),
        is_primary=is_primary,
        macro_score=metric.get("macro_score"),
        higher_is_better=semantics.get("direction", "higher_is_better") == "higher_is_better",
        multiplier=float(semantics.get("display_multiplier") or (100.0 if not semantics else 1.0)),
        unit=str(semantics.get("display_unit") or ("%" if not semantics else "")),
        dimensions=dimensions,
    )
    if base.n:
        yield base
    for category in metric.get("categories") or []:
        label = _category(category.get("name"))
        for subset in category.get("subsets") or []:
            if subset.get("is_aggregate") or not subset.get("num"):
                continue
            yield replace(
                base,
                subset=str(subset["name"]),
                category=label,
                score=float(subset["score"]),
                n=int(subset["num"]),
                macro_score=None,
            )


def _identity(metric: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    identity = metric.get("identity")
    if identity:
        return str(identity["name"]), str(identity["aggregation"]), dict(identity.get("dimensions") or {})
    name = str(metric["name"])
    return ("accuracy" if _LEGACY_METRIC.fullmatch(name) else name), "mean", {}


def _category(name: object) -> str | None:
    parts = [str(part) for part in name] if isinstance(name, list) else [str(name)] if name else []
    words = [part for part in parts if part and part != "default"]
    return " / ".join(words) or None


def with_settings(report: DatasetReport, settings: BenchmarkSettings) -> DatasetReport:
    """The report with its benchmark's version, revision, shots and prompt. Who judged, only the report itself tells:
    a judge may be configured and not be asked."""
    told = {name: value for name, value in asdict(settings).items() if name != "judge"}
    return replace(report, **told)


def read_settings(config_yaml: str, benchmark: str) -> BenchmarkSettings:
    """What ``configs/task_config.yaml`` says of a benchmark. Raises OutputNotUnderstood."""
    try:
        config = yaml.safe_load(config_yaml)
    except yaml.YAMLError as error:
        raise OutputNotUnderstood(tool=TOOL, detail=f"task_config.yaml: {error}", line="") from error
    if not isinstance(config, dict):
        return BenchmarkSettings()
    resolved = _mapping(_mapping(config.get("resolved_benchmarks")).get(benchmark))
    identity = _mapping(_mapping(config.get("evaluation_identity")).get("benchmarks"))
    judges = _mapping(config.get("judge")).get("models") or []
    return BenchmarkSettings(
        evaluation_version=_mapping(identity.get(benchmark)).get("evaluation_version"),
        revision=resolved.get("dataset_revision"),
        few_shot=resolved.get("few_shot_num"),
        prompt_template=resolved.get("prompt_template"),
        evalscope_version=config.get("evalscope_version"),
        judge=_names([_mapping(one).get("model_id") for one in judges]),
    )


def _names(models: Iterable[object] | None) -> str | None:
    """Several judges in the order of their names."""
    return ", ".join(sorted(str(model) for model in models or () if model)) or None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- samples


def read_samples(
    dataset: str, subset: str, predictions: Iterable[str], reviews: Iterable[str], *, repeats: int = 1
) -> Iterator[Sample]:
    """Every answered sample of one subset: predictions and reviews joined on ``index``, in the order of the answers.
    Lines that are not whole (a killed writer's last) are left out; of two with one index the first counts. Only what
    the reviews say of the score is kept in memory."""
    judged = dict(_judgements(reviews))
    seen: set[int] = set()
    for line in predictions:
        answer = _object(line)
        index = answer.get("index")
        if isinstance(index, int) and index not in seen:
            seen.add(index)
            yield _sample(dataset, subset, index, answer, judged.get(index), repeats)


def read_errors(dataset: str, lines: Iterable[str], *, repeats: int = 1) -> Iterator[Sample]:
    """The requests that failed, from the file that our own runner keeps (core.evalrunner)."""
    for line in lines:
        found = _object(line)
        if not isinstance(found.get("index"), int):
            continue
        group, repeat = divmod(found["index"], max(1, repeats))
        yield Sample(
            dataset=dataset,
            subset=str(found.get("subset") or ""),
            index=found["index"],
            sample_id=str(found["index"]),
            group_id=str(group),
            repeat=repeat,
            question=str(found.get("question") or ""),
            gold=str(found.get("gold") or ""),
            extracted=None,
            answer="",
            reasoning=None,
            metric=None,
            score=None,
            status=SampleStatus.ERRORED,
            stop_reason=None,
            error=str(found.get("error") or ""),
        )


def _judgements(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line in lines:
        found = _object(line)
        judgement = _judgement(found)
        if judgement is not None:
            yield int(found["index"]), judgement


def _judgement(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """The small part of a review."""
    sample_score = _mapping(found.get("sample_score"))
    score = _mapping(sample_score.get("score"))
    if not isinstance(found.get("index"), int) or not score:
        return None
    values = {name: float(value) for name, value in _mapping(score.get("value")).items() if _is_number(value)}
    main = score.get("main_score_name")
    metric = main if main in values else next(iter(values), None)
    is_usable = str(score.get("status") or "success") in USABLE
    target = found.get("target")
    return {
        "metric": metric,
        "score": values.get(metric) if metric and is_usable else None,
        "scores": values,
        "status": score.get("status"),
        "extracted": score.get("extracted_prediction"),
        "explanation": score.get("explanation"),
        "gold": ", ".join(map(str, target)) if isinstance(target, list) else str(target or ""),
        "group": sample_score.get("group_id"),
        "repeat": sample_score.get("generation_index"),
    }


def _sample(
    dataset: str, subset: str, index: int, answer: Mapping[str, Any], judged: Mapping[str, Any] | None, repeats: int
) -> Sample:
    output = _mapping(answer.get("model_output"))
    text, reasoning = apart(*_parts(_mapping(_choice(output).get("message")).get("content")))
    usage, perf = _mapping(output.get("usage")), _mapping(output.get("perf_metrics"))
    told, stop = judged or {}, _stop_reason(output)
    if not usage and stop != OVERFLOW and is_refusal(text):
        stop = OVERFLOW  # a proxy's wording, or an EvalScope that did not tell the error from an answer
    extracted = "" if stop == OVERFLOW else str(told.get("extracted") or "").strip()
    group, repeat = divmod(index, max(1, repeats))
    score = told.get("score")
    return Sample(
        dataset=dataset,
        subset=subset,
        index=index,
        sample_id=str(_mapping(answer.get("metadata")).get("id") or index),
        group_id=str(told["group"] if told.get("group") is not None else group),
        repeat=int(told["repeat"] if told.get("repeat") is not None else repeat),
        question=_question(answer.get("messages")),
        gold=str(told.get("gold") or ""),
        extracted=extracted or None,
        answer=text,
        reasoning=reasoning or None,
        metric=told.get("metric"),
        score=score,
        status=SampleStatus.SCORED if score is not None else SampleStatus.UNSCORED,
        stop_reason=stop,
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        reasoning_tokens=usage.get("reasoning_tokens"),
        latency_ms=_milliseconds(perf.get("latency", output.get("time"))),
        ttft_ms=_milliseconds(perf.get("ttft")),
        error=str(output["error"]) if output.get("error") else None,
        explanation=told.get("explanation"),
        scores=told.get("scores") or {},
    )


def _stop_reason(output: Mapping[str, Any]) -> str | None:
    reason = _choice(output).get("stop_reason")
    return str(reason) if reason else None


def _choice(output: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = output.get("choices")
    return _mapping(choices[0]) if isinstance(choices, list) and choices else {}


def _question(messages: object) -> str:
    """What was asked: the one message's text, or all that came before the last answer, each with its role."""
    asked = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    if asked and asked[-1].get("role") == "assistant":
        asked = asked[:-1]
    texts = [(str(message.get("role") or ""), _parts(message.get("content"))[0]) for message in asked]
    if len(texts) == 1:
        return texts[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in texts)


def _parts(content: object) -> tuple[str, str]:
    """Text and reasoning of a message's content, which is a string or a list of blocks."""
    if isinstance(content, str):
        return content, ""
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    reasoning = "".join(str(block.get("reasoning") or "") for block in blocks if block.get("type") == "reasoning")
    return text, reasoning


def apart(text: str, reasoning: str) -> tuple[str, str]:
    """Thinking that the server left inside the answer, taken out. Some chat templates open it themselves, so that only
    its end shows; one that was cut off shows only its beginning."""
    found = None if reasoning else _THOUGHT.match(text)
    if found:
        return text[found.end() :].lstrip(), found.group(1).strip()
    opened = text.lstrip().removeprefix("<think>")
    return ("", opened.strip()) if not reasoning and opened != text.lstrip() else (text, reasoning)


def is_refusal(text: str) -> bool:
    """Whether an answer without usage is the server's word that the prompt is too long."""
    return len(text) <= _LONGEST_REFUSAL and _OVER_LENGTH.search(text) is not None


def _milliseconds(seconds: object) -> float | None:
    return float(seconds) * 1000 if isinstance(seconds, int | float) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# ---------------------------------------------------------------- the tree and the log


def subset_of(file_name: str, benchmark: str) -> str | None:
    """The subset in ``<dataset>_<subset>.jsonl``; None for anything else, such as a left-over ``.rerun-<hex>``."""
    if not file_name.startswith(f"{benchmark}_") or not file_name.endswith(".jsonl"):
        return None
    return file_name[len(benchmark) + 1 : -len(".jsonl")]


def failure_code(log: str) -> str | None:
    """Why a run ended without a report, where its log tells: evaluation_hub_unreachable, disk_full."""
    if _DISK_FULL.search(log):
        return "disk_full"
    return "evaluation_hub_unreachable" if _UNREACHABLE_HUB.search(log) else None


def sandbox_failure(log: str) -> str | None:
    """Why no container ran the code, in a job's log: EvalScope then counts every answer as wrong. None: it ran."""
    failed = _SANDBOX_FAILED.search(log)
    if failed is None:
        return None
    why = _SANDBOX_WHY.search(log)
    return (why or failed)["error"].strip()[:300]


def sandbox_containers(log: str) -> tuple[str, ...]:
    """The containers that the sandbox has made, by name: a killed child leaves them."""
    return tuple(f"sandbox-{match['id']}" for match in _SANDBOX.finditer(log))


def last_error(log: str) -> str:
    """The last request's error in a log, or the last line of a traceback; empty where there is neither."""
    failed = [match["error"] for match in _FAILED_ITEM.finditer(log)]
    if failed:
        return failed[-1].strip()[:500]
    lines = [line.strip() for line in log.splitlines() if re.match(r"\s*[\w.]*(?:Error|Exception)\b.*:", line)]
    return lines[-1][:500] if lines else ""
