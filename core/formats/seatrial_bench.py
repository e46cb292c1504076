"""The command ``seatrial bench`` that makes a workload: what is shown is what runs (cli/bench.py reads it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.endpoint import Endpoint
from core.domain.lengths import normally
from core.domain.workload import Api, Arrival, BenchFiles, Dataset, LengthGrid, LoadPoint, Preset, Slo, Spread, Workload
from core.errors import BadInput

KEY_VARIABLE = "SEATRIAL_KEY"
_DIGITS = 10
_MOST_STREAMS = 100_000
_REQUESTS_PER_STREAM = 8


def argv(request: BenchmarkRequest, endpoint: Endpoint) -> tuple[str, ...]:
    """Options that have their default are left out; a key is named by its variable. The seed too is left out, unless
    it was asked for: the same prompts again would measure the prefix cache."""
    load = request.workload
    return (
        *("seatrial", "bench", "--url", endpoint.base_url, "--model", endpoint.served_name),
        *_load(load.points),
        *(_length("input", load.input_tokens, load.input_spread) if load.dataset is None else ()),
        *_length("output", load.output_tokens, load.output_spread),
        *_choices(load),
        *_judgement(load),
        *_bench_files(load.bench_files),
        *(("--engine", request.engine.value) if request.engine is not Engine.SEATRIAL else ()),
        *(("--seed", str(request.seed)) if request.seed is not None else ()),
        *(("--key-env", KEY_VARIABLE) if endpoint.key_ref else ()),
    )


def grid_argv(request: BenchmarkRequest, endpoint: Endpoint, grid: LengthGrid) -> tuple[str, ...]:
    """Lists of lengths, and the rules by which pairs are left out."""
    words = list(argv(request, endpoint))
    for name, lengths in (("--input-tokens", grid.input_tokens), ("--output-tokens", grid.output_tokens)):
        words[words.index(name) + 1] = ",".join(map(str, lengths)) + ("," if len(lengths) == 1 else "")
    rules = {"--max-input": grid.max_input, "--max-total": grid.max_total}
    shared = ("--shared-by", str(grid.shared_by)) if grid.shared_by > 1 else ()
    return (*words, *(part for name, limit in rules.items() if limit for part in (name, str(limit))), *shared)


def preset_options(preset: Preset) -> dict[str, Any]:
    """The options that make a preset, by their names; those at their defaults are left out."""
    load, grid = preset.workload, preset.grid
    words = [
        *_load(load.points),
        *_length("input", load.input_tokens, load.input_spread),
        *_length("output", load.output_tokens, load.output_spread),
        *_choices(load),
        *_judgement(load),
    ]
    pairs = zip(words[::2], words[1::2], strict=True)
    options = {name.removeprefix("--").replace("-", "_"): _typed(name, value) for name, value in pairs}
    if grid is None:
        return options
    lists = {"input_tokens": grid.input_tokens, "output_tokens": grid.output_tokens}
    limits = {"max_input": grid.max_input, "max_total": grid.max_total, "shared_by": grid.shared_by}
    return {**options, **{name: ",".join(map(str, values)) for name, values in lists.items()}, **limits}


def _typed(name: str, value: str) -> str | int | float:
    """As the option's own type would read it: what can be a list or a range stays a text."""
    if name in {"--turns", "--repeats", "--top-k", "--slo-percentile"}:
        return int(value)
    numbers = ("--prefix-share", "--input-std", "--output-std", "--temperature", "--top-p", "--timeout", "--slo-")
    return float(value) if name.startswith(numbers) else value


def grid_of(options: BenchOptions) -> LengthGrid | None:
    """Several lengths at once, where one of the two is a list. Raises BadInput (list_bad)."""
    texts = {"input_tokens": str(options.input_tokens), "output_tokens": str(options.output_tokens)}
    if not any("," in text for text in texts.values()):
        return None
    lists = {name: _numbers(name, text.rstrip(","), whole=True) or [] for name, text in texts.items()}
    inputs, outputs = (tuple(int(one) for one in values) for values in lists.values())
    return LengthGrid(inputs, outputs, options.max_input, options.max_total, options.shared_by)


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


def _length(name: str, mean: int, spread: Spread | None) -> tuple[str, ...]:
    """``N``, ``LOW-HIGH``, and either of them with a standard deviation."""
    std = spread.std if spread else None
    is_cut_as_usual = spread is None or (std is not None and spread == normally(mean, std))
    text = str(mean) if is_cut_as_usual or spread is None else f"{spread.low}-{spread.high}"
    return (f"--{name}-tokens", text, *((f"--{name}-std", _text(std)) if std is not None else ()))


def _judgement(load: Workload) -> tuple[str, ...]:
    slo = load.slo
    limits = [(f"--slo-{name.removesuffix('_ms')}", _text(limit)) for name, limit in slo.limits_ms] if slo else []
    percentile = slo.percentile if slo and slo.limits_ms else Slo.percentile
    stops = [name for name, on in (("peak", load.stop_at_peak), ("slo", load.stop_at_slo)) if on]
    return (
        *(word for pair in limits for word in pair),
        *(("--slo-percentile", str(percentile)) if percentile != Slo.percentile else ()),
        *(("--stop", ",".join(stops)) if stops else ()),
    )


def _bench_files(files: BenchFiles | None) -> tuple[str, ...]:
    if files is None:
        return ()
    return (
        *(("--bench-host", files.host) if files.host != BenchFiles.host else ()),
        *(("--result-dir", files.result_dir) if files.result_dir else ()),
        *(("--result-filename", files.result_filename) if files.result_filename else ()),
    )


def _choices(load: Workload) -> tuple[str, ...]:
    default = Workload(1, 1, ())
    return (
        *(("--dataset", load.dataset.name) if load.dataset else ()),
        *(("--prefix-share", _text(load.prefix_share)) if load.prefix_share else ()),
        *(("--turns", str(load.turns)) if load.turns != default.turns else ()),
        *(("--api", load.api.value) if load.api is not default.api else ()),
        *(("--repeats", str(load.repeats)) if load.repeats != default.repeats else ()),
        *(("--timeout", _text(load.timeout_s)) if load.timeout_s != default.timeout_s else ()),
        *(("--temperature", _text(load.temperature)) if load.temperature != default.temperature else ()),
        *(("--top-p", _text(load.top_p)) if load.top_p is not None else ()),
        *(("--top-k", str(load.top_k)) if load.top_k is not None else ()),
        *(() if load.ignore_eos else ("--stop-at-eos",)),
    )


@dataclass(frozen=True)
class BenchOptions:
    """The options that make a workload, as they are typed: lists with commas, one value for all points or one each; a
    length as ``N`` or ``LOW-HIGH``. ``dataset``: what the named file was kept as."""

    input_tokens: int | str
    output_tokens: int | str
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
    input_std: float | None = None
    output_std: float | None = None
    prefix_share: float = 0.0
    turns: int = 1
    top_p: float | None = None
    top_k: int | None = None
    slo_ttft: float | None = None
    slo_tpot: float | None = None
    slo_e2el: float | None = None
    slo_percentile: int = Slo.percentile
    stop: str = ""
    bench_host: str = BenchFiles.host
    result_dir: str | None = None
    result_filename: str | None = None
    staircase: str | None = None
    max_input: int | None = None
    max_total: int | None = None
    shared_by: int = 1


def workload_of(options: BenchOptions, dataset: Dataset | None = None) -> Workload:
    """The inverse of ``argv``. Raises BadInput (list_bad: field, value; list_length: field, value, points; length_bad:
    field, value; stop_bad: value)."""
    options = _with_staircase(options)
    input_tokens, input_spread = length_of("input_tokens", options.input_tokens, options.input_std)
    output_tokens, output_spread = length_of("output_tokens", options.output_tokens, options.output_std)
    stops = _stops(options.stop)
    if dataset is not None:
        input_tokens, input_spread = dataset.input_tokens or input_tokens, None
    return Workload(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input_spread=input_spread,
        output_spread=output_spread,
        prefix_share=options.prefix_share,
        turns=options.turns,
        dataset=dataset,
        top_p=options.top_p,
        top_k=options.top_k,
        slo=_slo(options),
        stop_at_peak="peak" in stops,
        stop_at_slo="slo" in stops,
        bench_files=_files_of(options),
        points=_points(options),
        api=Api(options.api),
        repeats=options.repeats,
        timeout_s=options.timeout,
        temperature=options.temperature,
        ignore_eos=not options.stop_at_eos,
    )


def _with_staircase(options: BenchOptions) -> BenchOptions:
    """``LOW-HIGH``: loads that double, eight requests per stream unless said otherwise, until the peak is passed."""
    if options.staircase is None:
        return options
    low, _, high = options.staircase.partition("-")
    if not (low.isdecimal() and high.isdecimal() and 1 <= int(low) <= int(high) <= _MOST_STREAMS):
        raise BadInput("staircase_bad", field="staircase", value=options.staircase)
    loads = doubling(int(low), int(high))
    requests = options.requests
    if requests is None and options.duration is None:
        requests = ",".join(str(load * _REQUESTS_PER_STREAM) for load in loads)
    stop = options.stop or "peak"
    return replace(options, concurrency=",".join(map(str, loads)), requests=requests, stop=stop, staircase=None)


def length_of(field: str, text: int | str, std: float | None = None) -> tuple[int, Spread | None]:
    """``N`` or ``LOW-HIGH``: the length in the middle, and how it varies. Raises BadInput (length_bad)."""
    parts = str(text).split(",")[0].split("-")
    if len(parts) > 2 or not all(part.isascii() and part.isdecimal() and len(part) < _DIGITS for part in parts):
        raise BadInput("length_bad", field=field, value=str(text))
    low, high = int(parts[0]), int(parts[-1])
    mean = (low + high) // 2
    if len(parts) == 1:
        return mean, normally(mean, std) if std is not None else None
    return mean, Spread(low, high, std)


def _stops(text: str) -> set[str]:
    stops = {part for part in text.split(",") if part}
    if stops - {"peak", "slo"}:
        raise BadInput("stop_bad", field="stop", value=text)
    return stops


def _slo(options: BenchOptions) -> Slo | None:
    slo = Slo(options.slo_percentile, options.slo_ttft, options.slo_tpot, options.slo_e2el)
    return slo if slo.limits_ms else None


def _files_of(options: BenchOptions) -> BenchFiles | None:
    files = BenchFiles(options.bench_host, options.result_dir, options.result_filename)
    return files if files != BenchFiles() else None


def doubling(low: int, high: int) -> tuple[int, ...]:
    """A staircase of loads: each the double of the one before, the last one ``high``."""
    steps = [low]
    while steps[-1] * 2 < high:
        steps.append(steps[-1] * 2)
    return (*steps, high) if high > steps[-1] else tuple(steps)


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
