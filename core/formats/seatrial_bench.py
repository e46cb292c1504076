"""The command ``seatrial bench`` that makes a workload: what is shown is what runs (cli/bench.py reads it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.endpoint import Endpoint
from core.domain.workload import Api, Arrival, LoadPoint, Workload
from core.errors import BadInput

KEY_VARIABLE = "SEATRIAL_KEY"


def argv(request: BenchmarkRequest, endpoint: Endpoint) -> tuple[str, ...]:
    """Options that have their default are left out; a key is named by its variable. The seed too is left out, unless
    it was asked for: the same prompts again would measure the prefix cache."""
    load = request.workload
    return (
        *("seatrial", "bench", "--url", endpoint.base_url, "--model", endpoint.served_name),
        *_load(load.points),
        *("--input-tokens", str(load.input_tokens), "--output-tokens", str(load.output_tokens)),
        *_choices(load),
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


def _choices(load: Workload) -> tuple[str, ...]:
    default = Workload(1, 1, ())
    return (
        *(("--api", load.api.value) if load.api is not default.api else ()),
        *(("--repeats", str(load.repeats)) if load.repeats != default.repeats else ()),
        *(("--timeout", _text(load.timeout_s)) if load.timeout_s != default.timeout_s else ()),
        *(("--temperature", _text(load.temperature)) if load.temperature != default.temperature else ()),
        *(() if load.ignore_eos else ("--stop-at-eos",)),
    )


@dataclass(frozen=True)
class BenchOptions:
    """The options that make a workload, as they are typed: lists with commas, one value for all points or one each."""

    input_tokens: int
    output_tokens: int
    concurrency: str | None = None
    rate: str | None = None
    arrival: str = Arrival.POISSON.value
    requests: str | None = None
    duration: str | None = None
    warmup: str = "1"
    api: str = Api.COMPLETIONS.value
    repeats: int = 1
    timeout: float = 600.0
    temperature: float = 0.0
    stop_at_eos: bool = False


def workload_of(options: BenchOptions) -> Workload:
    """The inverse of ``argv``. Raises BadInput (list_bad: field, value; list_length: field, value, points)."""
    return Workload(
        input_tokens=options.input_tokens,
        output_tokens=options.output_tokens,
        points=_points(options),
        api=Api(options.api),
        repeats=options.repeats,
        timeout_s=options.timeout,
        temperature=options.temperature,
        ignore_eos=not options.stop_at_eos,
    )


def _points(options: BenchOptions) -> tuple[LoadPoint, ...]:
    rates = _numbers("rate", options.rate)
    concurrencies = _numbers("concurrency", options.concurrency or ("1" if rates is None else None), whole=True)
    count = len(rates or concurrencies or ())
    each = {
        "concurrency": concurrencies,
        "rate": rates,
        "requests": _numbers("requests", options.requests, whole=True),
        "duration": _numbers("duration", options.duration),
        "warmup": _numbers("warmup", options.warmup, whole=True),
    }
    columns = {name: _spread(name, values, count) for name, values in each.items()}
    arrival = Arrival.CLOSED if rates is None else Arrival(options.arrival)
    return tuple(
        _point(index, arrival, {name: column[index] for name, column in columns.items()}) for index in range(count)
    )


def _point(index: int, arrival: Arrival, values: dict[str, float | None]) -> LoadPoint:
    return LoadPoint(
        index=index,
        arrival=arrival,
        concurrency=_whole(values["concurrency"]),
        rate_per_s=values["rate"],
        requests=_whole(values["requests"]),
        duration_s=values["duration"],
        warmup=_whole(values["warmup"]) or 0,
    )


def _numbers(field: str, text: str | None, *, whole: bool = False) -> list[float] | None:
    if text is None:
        return None
    try:
        numbers = [float(int(part)) if whole else float(part) for part in text.split(",")]
    except ValueError as error:
        raise BadInput("list_bad", field=field, value=text) from error
    if not all(isfinite(number) for number in numbers):
        raise BadInput("list_bad", field=field, value=text)
    return numbers


def _spread(field: str, values: Sequence[float] | None, count: int) -> Sequence[float | None]:
    """One value for all points, or one each."""
    if values is None:
        return [None] * count
    if len(values) not in {1, count}:
        raise BadInput("list_length", field=field, value=",".join(map(_text, values)), points=count)
    return list(values) * (count if len(values) == 1 else 1)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


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
