"""The command ``seatrial bench`` that makes a workload: what is shown is what runs (cli/bench.py reads it)."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.endpoint import Endpoint
from core.domain.workload import Arrival, LoadPoint, Workload

KEY_VARIABLE = "SEATRIAL_KEY"


def argv(request: BenchmarkRequest, endpoint: Endpoint) -> tuple[str, ...]:
    """Options that have their default are left out; a key is named by its variable. The seed too is left out, unless
    it was asked for: the same prompts again would measure the prefix cache."""
    workload = request.workload
    return (
        *("seatrial", "bench", "--url", endpoint.base_url, "--model", endpoint.served_name),
        *_load(workload.points),
        *("--input-tokens", str(workload.input_tokens), "--output-tokens", str(workload.output_tokens)),
        *_choices(workload),
        *(("--engine", request.engine.value) if request.engine is not Engine.SEATRIAL else ()),
        *(("--seed", str(request.seed)) if request.seed is not None else ()),
        *(("--key-env", KEY_VARIABLE) if endpoint.key_ref else ()),
    )


def _load(points: tuple[LoadPoint, ...]) -> tuple[str, ...]:
    """Closed loop: a list of concurrencies. Open loop: a list of rates, and at most one cap."""
    concurrencies, rates = [point.concurrency for point in points], [point.rate_per_s for point in points]
    if any(point.arrival is not Arrival.CLOSED for point in points):
        load = (*_list("--rate", rates), "--arrival", points[0].arrival.value, *_option("--concurrency", concurrencies))
    else:
        load = _list("--concurrency", concurrencies)
    warmups = [point.warmup for point in points]
    return (
        *load,
        *_option("--requests", [point.requests for point in points]),
        *_option("--duration", [point.duration_s for point in points]),
        *(_option("--warmup", warmups) if set(warmups) != {1} else ()),
    )


def _choices(workload: Workload) -> tuple[str, ...]:
    default = Workload(1, 1, ())
    return (
        *(("--api", workload.api.value) if workload.api is not default.api else ()),
        *(("--repeats", str(workload.repeats)) if workload.repeats != default.repeats else ()),
        *(("--timeout", _text(workload.timeout_s)) if workload.timeout_s != default.timeout_s else ()),
        *(("--temperature", _text(workload.temperature)) if workload.temperature != default.temperature else ()),
        *(() if workload.ignore_eos else ("--stop-at-eos",)),
    )


def _list(name: str, values: Iterable[float | None]) -> tuple[str, ...]:
    """One value per point: their number is the number of points."""
    texts = [_text(value) for value in values if value is not None]
    return (name, ",".join(texts)) if texts else ()


def _option(name: str, values: Iterable[float | None]) -> tuple[str, ...]:
    """One value where every point has the same, else one per point."""
    texts = [_text(value) for value in values if value is not None]
    return (name, ",".join(texts if len(set(texts)) > 1 else texts[:1])) if texts else ()


def _text(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
