"""From the records of a point to its Measurement. The definitions are in core.domain.metrics."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from core.domain.benchmark import ClientHealth, Distribution, Measurement, RequestCounts, SteadyState
from core.domain.statistics import percentile, summarize
from core.domain.workload import Arrival
from core.loadgen import TOOL, TOOL_VERSION
from core.loadgen.calibration import shape_of
from core.loadgen.records import Record
from core.loadgen.shape import MEASURED
from core.loadgen.task import LoadTask

STEADY_SHARE = 0.95
_TOLERATED_LENGTH_ERROR = 0.01
_TOLERATED_LAG_MS = 5.0
_TOLERATED_LAG_SHARE = 0.05
_TOLERATED_LATENESS_MS = 100.0
_TOLERATED_OTHERS = 0.5


@dataclass(frozen=True)
class PointFacts:
    """What is known of a point beside its records. ``start`` is monotonic, ``started_at`` the same moment's date;
    shares are 0..1 of all CPUs of this machine, ``is_server_here`` whether the server runs on it, too."""

    seed: int
    start: float
    started_at: datetime
    processes: int
    cpu_s: float
    lags_s: Sequence[float]
    host_cpu_share: float | None
    others_cpu_share: float | None = None
    is_server_here: bool = False
    warnings: tuple[str, ...] = ()


def reduce_point(task: LoadTask, records: Sequence[Record], facts: PointFacts) -> Measurement:
    """The measurement. Failed requests are counted by kind and enter nothing else but the duration."""
    good = [record for record in records if record.failure is None]
    end = max((record.ended for record in records), default=facts.start)
    duration_s = max(end - facts.start, 1e-9)
    input_tokens = sum(record.input_tokens or 0 for record in good)
    output_tokens = sum(record.output_tokens or 0 for record in good)
    steps = _in_flight_steps(records)
    ttft_ms = summarize(_known(record.ttft_ms for record in good))
    client = _client_health(records, facts)
    return Measurement(
        point_index=task.point.index,
        repeat=task.repeat,
        tool=TOOL,
        tool_version=TOOL_VERSION,
        seed=facts.seed,
        started_at=facts.started_at,
        duration_s=duration_s,
        concurrency=task.point.concurrency,
        rate_per_s=task.point.rate_per_s,
        requests=_counts(records),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        requests_per_s=len(good) / duration_s,
        output_tokens_per_s=output_tokens / duration_s,
        total_tokens_per_s=(input_tokens + output_tokens) / duration_s,
        ttft_ms=ttft_ms,
        tpot_ms=summarize(_known(record.tpot_ms for record in good)),
        itl_ms=summarize([gap for record in good for gap in record.itl_ms]),
        e2el_ms=summarize(_known(record.e2el_ms for record in good)),
        peak_in_flight=max((level for _, level in steps), default=0),
        steady=_steady_state(task, good, steps),
        client=client,
        warnings=(
            *facts.warnings,
            *_warnings(task, good, facts.seed),
            *_starved(client, ttft_ms),
            *_busy(client, facts),
            *_late(task, client),
        ),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _counts(records: Sequence[Record]) -> RequestCounts:
    failures = Counter(record.failure for record in records if record.failure is not None)
    failed = sum(failures.values())
    return RequestCounts(len(records) - failed, failed, dict(sorted(failures.items())))


def _in_flight_steps(records: Sequence[Record]) -> list[tuple[float, int]]:
    """(time, requests in flight from then on), in order of time; ends come before starts at the same moment."""
    sent = [record for record in records if record.started is not None]
    changes = sorted([(record.started or 0.0, 1) for record in sent] + [(record.ended, -1) for record in sent])
    levels = accumulate(change for _, change in changes)
    return [(time, level) for (time, _), level in zip(changes, levels, strict=True)]


def _steady_state(task: LoadTask, good: Sequence[Record], steps: Sequence[tuple[float, int]]) -> SteadyState | None:
    """The window from the first to the last moment at which at least 95 % of a closed loop's streams were busy."""
    if task.point.arrival is not Arrival.CLOSED or task.point.concurrency is None:
        return None
    enough = STEADY_SHARE * task.point.concurrency
    busy = [number for number, (_, level) in enumerate(steps) if level >= enough]
    if not busy or busy[-1] + 1 >= len(steps):
        return None
    begin, end = steps[busy[0]][0], steps[busy[-1] + 1][0]
    inside = [record for record in good if (record.started or 0.0) >= begin and record.ended <= end]
    if not inside:
        return None
    tokens = sum(_tokens_between(record, begin, end) for record in good)
    return SteadyState(
        duration_s=end - begin,
        requests=len(inside),
        output_tokens_per_s=tokens / (end - begin),
        ttft_ms=summarize(_known(record.ttft_ms for record in inside)),
        tpot_ms=summarize(_known(record.tpot_ms for record in inside)),
    )


def _tokens_between(record: Record, begin: float, end: float) -> float:
    """The request's output tokens that arrived in the window; each of its chunks counts the same."""
    if record.output_tokens is None or record.first is None:
        return 0.0
    if record.first >= begin and record.ended <= end:
        return record.output_tokens
    times = list(accumulate([record.first, *(gap / 1000.0 for gap in record.itl_ms)]))
    inside = bisect_right(times, end) - bisect_left(times, begin)
    return record.output_tokens * inside / len(times)


def _client_health(records: Sequence[Record], facts: PointFacts) -> ClientHealth:
    late = sorted((record.started - record.due) * 1000.0 for record in records if record.started is not None)
    lags = sorted(lag * 1000.0 for lag in facts.lags_s)
    return ClientHealth(
        processes=facts.processes,
        cpu_s=facts.cpu_s,
        lateness_p99_ms=percentile(late, 0.99) if late else None,
        loop_lag_p99_ms=percentile(lags, 0.99) if lags else None,
        host_cpu_share=facts.host_cpu_share,
        others_cpu_share=facts.others_cpu_share,
    )


def _warnings(task: LoadTask, good: Sequence[Record], seed: int) -> tuple[str, ...]:
    """What a reader should know: ``no_usage`` (the server told no token counts), ``input_length_off`` and
    ``output_length_off`` (the lengths differ from the wanted ones by more than 1 % in sum)."""
    found = []
    if any(record.output_tokens is None for record in good):
        found.append("no_usage")
    if task.dataset_path is not None:
        return tuple(found)
    shape = shape_of(task, seed)
    if _is_off([(one.input_tokens, shape.prompt(MEASURED, one.index)) for one in good]):
        found.append("input_length_off")
    if task.ignore_eos and _is_off([(one.output_tokens, shape.output(MEASURED, one.index)) for one in good]):
        found.append("output_length_off")
    return tuple(found)


def _starved(client: ClientHealth, ttft_ms: Distribution | None) -> tuple[str, ...]:
    """``client_starved``: the measuring process got its CPU so late that its own lateness is in the latencies. On a
    machine that also serves, a container's processes can hold the CPUs for hundreds of milliseconds."""
    allowed_ms = max(_TOLERATED_LAG_MS, _TOLERATED_LAG_SHARE * ttft_ms.p50 if ttft_ms else 0.0)
    lag_ms = client.loop_lag_p99_ms
    return ("client_starved",) if lag_ms is not None and lag_ms > allowed_ms else ()


def _busy(client: ClientHealth, facts: PointFacts) -> tuple[str, ...]:
    """``host_busy``: others worked on the measuring machine. Where the server runs there, nobody can tell who."""
    share = client.others_cpu_share
    return ("host_busy",) if share is not None and share > _TOLERATED_OTHERS and not facts.is_server_here else ()


def _late(task: LoadTask, client: ClientHealth) -> tuple[str, ...]:
    """``sent_late``: an open loop's requests went out so long after their due time that the rate was not offered."""
    late_ms = client.lateness_p99_ms
    is_open = task.point.arrival is not Arrival.CLOSED
    return ("sent_late",) if is_open and late_ms is not None and late_ms > _TOLERATED_LATENESS_MS else ()


def _is_off(lengths: Sequence[tuple[int | None, int]]) -> bool:
    """``lengths``: (counted, wanted) of each request."""
    known = [(counted, wanted) for counted, wanted in lengths if counted is not None]
    all_wanted = sum(wanted for _, wanted in known)
    return abs(sum(counted for counted, _ in known) - all_wanted) > _TOLERATED_LENGTH_ERROR * all_wanted
