"""Runs as a server of known speed would make them: for comparisons, whose truth must be known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from core.domain.benchmark import Measurement, RequestCounts, Run, RunHead, RunKind, RunState, requests_artifact
from core.domain.evaluation import (
    DatasetChoice,
    DatasetOutcome,
    DatasetReport,
    EvaluationRequest,
    ReportScore,
    Sample,
    SampleStatus,
)
from core.domain.statistics import summarize
from core.domain.workload import LoadPoint, Workload
from core.ports import Store
from tests.fakes import samples

OUTPUT_TOKENS = 128


def varied(random: Random, mean: float, cv: float) -> float:
    """A positive value around ``mean``, log-normal, with this coefficient of variation."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return math.exp(random.gauss(math.log(mean) - sigma * sigma / 2, sigma))


def request_records(
    random: Random, concurrency: int, count: int, slowdown: float, cv: float, burst: float = 1.0
) -> list[dict[str, Any]]:
    """The lines of a requests file: waiting grows with the load, as on a real server. ``burst``: by how much all is
    slower during some stretch of up to two fifths of the point, while others work on the machine."""
    records = []
    begins = random.uniform(0.0, count) if burst != 1.0 else 0.0
    ends = begins + random.uniform(0.0, 0.4) * count if burst != 1.0 else 0.0
    usual = slowdown
    for index in range(count):
        slowdown = usual * (burst if begins <= index < ends else 1.0)
        ttft_ms = varied(random, (40.0 + 3.0 * concurrency) * slowdown, cv)
        tpot_ms = varied(random, (12.0 + 0.25 * concurrency) * slowdown, cv)
        e2el_ms = ttft_ms + tpot_ms * (OUTPUT_TOKENS - 1)
        times = {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "e2el_ms": e2el_ms}
        records.append(
            {"index": index, "started_s": float(index), **times, "failure": None, "detail": "", "process": 0}
        )
    return records


def measured(records: Sequence[dict[str, Any]], point: LoadPoint, repeat: int, **changes: Any) -> Measurement:
    """What the load generator would make of the records."""
    concurrency, count = point.concurrency or 1, len(records)
    duration_s = sum(record["e2el_ms"] for record in records) / 1000.0 / concurrency
    named = {name: summarize([record[name] for record in records]) for name in ("ttft_ms", "tpot_ms", "e2el_ms")}
    base = samples.measurement(
        point.index,
        repeat,
        concurrency=concurrency,
        duration_s=duration_s,
        requests=RequestCounts(count, 0),
        output_tokens=count * OUTPUT_TOKENS,
        output_tokens_per_s=count * OUTPUT_TOKENS / duration_s,
        requests_per_s=count / duration_s,
        total_tokens_per_s=2 * count * OUTPUT_TOKENS / duration_s,
        steady=None,
        itl_ms=named["tpot_ms"],
        **named,
    )
    return replace(base, **changes)


def sweep(
    store: Store | None,
    run_id: str,
    *,
    seed: int,
    slowdown: float = 1.0,
    noise: float = 0.0,
    cv: float = 0.15,
    concurrencies: Sequence[int] = (1, 4, 16),
    requests: int = 192,
    repeats: int = 1,
    keep_records: bool = True,
    measurement: dict[str, Any] | None = None,
    records: dict[tuple[int, int], list[dict[str, Any]]] | None = None,
    burst: float = 1.0,
    **changes: Any,
) -> tuple[Run, tuple[Measurement, ...]]:
    """A complete run, put into the store where one is given. ``slowdown`` 1.05: every latency is 5 % longer. ``noise``:
    standard deviation of what each repeat, as a whole, is off by. ``records`` is filled with what lies behind."""
    random = Random(seed)
    points = tuple(LoadPoint(i, concurrency=c, requests=requests) for i, c in enumerate(concurrencies))
    workload = changes.pop("workload", None) or Workload(128, OUTPUT_TOKENS, points, repeats=repeats)
    run = samples.run(id=run_id, workload=workload, seed=seed, job_id=None, **changes)
    found: list[Measurement] = []
    if store:
        store.runs.add(run)
    for repeat in range(repeats):
        off = slowdown * math.exp(random.gauss(0.0, noise))
        for point in workload.points:
            rows = request_records(random, point.concurrency or 1, requests, off, cv, burst)
            if records is not None:
                records[(point.index, repeat)] = rows
            at = run.created_at + timedelta(minutes=len(found))
            found.append(measured(rows, point, repeat, started_at=at, **(measurement or {})))
            if store:
                if keep_records:
                    store.artifacts.save(
                        run.id, requests_artifact(point.index, repeat), "application/x-ndjson", lines(rows)
                    )
                store.runs.save_measurement(run.id, found[-1])
    if store:
        store.runs.set_state(run.id, RunState.COMPLETE, ended_at=run.created_at + timedelta(minutes=len(found)))
    return replace(run, state=RunState.COMPLETE), tuple(found)


def lines(records: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """As core.loadgen.records writes them: the gaps last."""
    for record in records:
        yield f'{json.dumps(record)[:-1]}, "itl_ms": [{",".join(["12.345"] * 16)}]}}\n'.encode()


def evaluated(
    store: Store, run_id: str, right: int, questions: int = 200, dataset: str = "gsm8k", **changes: Any
) -> None:
    """A complete evaluation with one dataset, whose first ``right`` questions were answered rightly."""
    choice = DatasetChoice(dataset)
    head = RunHead(
        **{
            "id": run_id,
            "endpoint_id": "ep-1",
            "model": "tiny",
            "version_label": "W8A8",
            "origin": "attached",
            "engine": "evalscope",
            "state": RunState.PENDING,
            "seed": 42,
            "created_at": samples.NOW,
            "created_by": "local",
            "command": ("seatrial", "eval"),
            "kind": RunKind.EVALUATION,
            "parts_total": 1,
            "workload_label": dataset,
            "workload_key": dataset,
            **changes,
        }
    )
    share = right / questions
    score = ReportScore(None, None, "accuracy", "mean", share, questions, True)
    report = DatasetReport(dataset, dataset, head.model, 2, (score,), questions, questions, 0, False, "v1.1", None, 4)
    with store.atomic():
        store.runs.add(head)
        store.evaluations.add(run_id, EvaluationRequest("ep-1", (choice,)))
        answers = [_answer(dataset, place, place < right) for place in range(questions)]
        store.evaluations.save(run_id, DatasetOutcome(dataset, choice, report, False, questions, 60.0), answers)
        store.runs.set_parts(run_id, 1, share)
        store.runs.set_state(run_id, RunState.COMPLETE)


def _answer(dataset: str, place: int, is_right: bool) -> Sample:
    gold, given = str(place), str(place if is_right else -1)
    return Sample(
        dataset=dataset,
        subset="main",
        index=place,
        sample_id=str(place),
        group_id=str(place),
        repeat=0,
        question=f"What is {place}?",
        gold=gold,
        extracted=given,
        answer=given,
        reasoning=None,
        metric="accuracy",
        score=1.0 if is_right else 0.0,
        status=SampleStatus.SCORED,
        stop_reason="stop",
    )
