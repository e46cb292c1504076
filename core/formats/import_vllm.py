"""Results of ``vllm bench serve``: its definitions are ours, so that everything is taken over. Read against 0.32."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.domain.benchmark import UNKNOWN_VERSION, Engine
from core.domain.workload import Api, Arrival, LoadPoint
from core.errors import OutputNotUnderstood
from core.formats import vllm_bench
from core.formats.import_reading import (
    ImportedPoint,
    Unreadable,
    closed,
    number,
    open_loop,
    text_of,
    when,
)


def is_vllm(values: Any) -> bool:
    """Whether it looks like one."""
    return isinstance(values, dict) and "completed" in values and "output_throughput" in values


def read_vllm(values: Mapping[str, Any]) -> ImportedPoint:
    """Raises Unreadable (missing, not_understood)."""
    point = _point(values)
    rust = isinstance(values.get("steady_state"), dict)
    origin = vllm_bench.Origin(point, 0, 0, when(values.get("date")), UNKNOWN_VERSION, is_rust=rust)
    try:
        found = vllm_bench.parse_result(json.dumps(values), origin)
        requests = vllm_bench.request_lines(values)
    except OutputNotUnderstood as error:
        raise Unreadable("not_understood", detail=str(error.params.get("detail"))) from error
    chat = "chat" in text_of(values, "backend") or "chat" in text_of(values, "endpoint_type")
    return ImportedPoint(
        engine=Engine.VLLM_BENCH,
        model=text_of(values, "model_id"),
        point=point,
        measurement=vllm_bench.without_seed(found),
        api=Api.CHAT if chat else Api.COMPLETIONS,
        requests=requests,
    )


def _point(values: Mapping[str, Any]) -> LoadPoint:
    """``request_rate`` is a number, or the text ``inf`` where the loop is closed."""
    requests = int(number(values, "num_prompts") or number(values, "completed") or 0)
    cap = number(values, "max_concurrency")
    rate = number(values, "request_rate")
    if not rate:
        return closed(cap or requests, requests)
    burstiness = number(values, "burstiness") or 1.0
    arrival = Arrival.POISSON if burstiness == 1 else Arrival.CONSTANT
    return open_loop(rate, cap, requests, arrival)
