"""What a run says, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from core.domain.benchmark import FAILED_SHARE_LIMIT, Measurement, RunState
from core.services.results import RunDetail
from render.charts.axes import load_words
from render.charts.points import by_point
from render.texts import Texts


def run_answer(detail: RunDetail, t: Texts) -> str:
    """How fast, at which load, how long to the first token, what failed; partial runs say so first. Points at which
    too many requests failed are no answer."""
    points = by_point([one for one in detail.measurements if one.is_sound])
    parts = [_partial(detail, t)] if detail.run.state is RunState.PARTIAL else []
    if not detail.measurements:
        parts.append(t("answer.failed_run" if detail.run.state is RunState.FAILED else "answer.none"))
    elif not points:
        parts += [*_unsound(detail.measurements, t), _failures(detail.measurements, t)]
    else:
        parts += [_speed(points, t), *_spread(points, t), *_stopped(detail, t), _failures(detail.measurements, t)]
    return t("answer.between").join(parts)


def _stopped(detail: RunDetail, t: Texts) -> list[str]:
    """Where the sweep ended by itself, and why."""
    told = detail.run.provenance.get("stopped") or {}
    last = [one for one in detail.measurements if one.point_index == told.get("point_index")]
    return [t(f"answer.stopped_{told['code']}", load=load_words(last[0], t))] if last else []


def warning_lines(measurements: Sequence[Measurement], t: Texts) -> tuple[str, ...]:
    """What a reader must know before believing a figure: each warning once, with the loads that it concerns."""
    loads: dict[str, list[str]] = {}
    for measurement in measurements:
        for code in measurement.warnings:
            known = loads.setdefault(code, [])
            if (load := load_words(measurement, t)) not in known:
                known.append(load)
    between = t("answer.and")
    return tuple(t(f"warning.{code}", loads=between.join(found)) for code, found in loads.items())


def _partial(detail: RunDetail, t: Texts) -> str:
    return t("answer.partial", done=len(detail.measurements), total=detail.points_total)


def _speed(points: Sequence[Sequence[Measurement]], t: Texts) -> str:
    best = max(points, key=_rate)
    first = points[0]
    said = {"rate": t.tokens_per_s(_rate(best)), "load": load_words(best[0], t)}
    if len(points) == 1:
        found = best[0].ttft_ms
        n = t.number(sum(m.ttft_ms.n for m in best if m.ttft_ms))
        p99 = t.ms(found.p99 if found else None)
        return t("answer.one", ttft=t.ms(_ttft(best)), n=n, ttft_p99=p99, **said)
    low_load = load_words(first[0], t)
    return t("answer.many", low=t.ms(_ttft(first)), low_load=low_load, high=t.ms(_ttft(best)), **said)


def _spread(points: Sequence[Sequence[Measurement]], t: Texts) -> list[str]:
    """How far repeats scatter: the only uncertainty that was measured."""
    best = max(points, key=_rate)
    if len(best) < 2:
        return []
    rates = [measurement.output_tokens_per_s for measurement in best]
    low, high = t.tokens_per_s(min(rates)), t.tokens_per_s(max(rates))
    return [t("answer.spread", repeats=len(best), low=low, high=high)]


def _failures(measurements: Sequence[Measurement], t: Texts) -> str:
    failed = sum(measurement.requests.failed for measurement in measurements)
    total = failed + sum(measurement.requests.succeeded for measurement in measurements)
    if not failed:
        return t("answer.no_failures")
    if failed == total:
        return t("answer.all_failed", total=t.number(total))
    return t("answer.failures", failed=t.number(failed), total=t.number(total))


def _unsound(measurements: Sequence[Measurement], t: Texts) -> list[str]:
    """Where some answered, and at no load enough."""
    if not any(measurement.requests.succeeded for measurement in measurements):
        return []
    return [t("answer.unsound", share=t.number(100 - FAILED_SHARE_LIMIT * 100))]


def _rate(group: Sequence[Measurement]) -> float:
    return median(measurement.output_tokens_per_s for measurement in group)


def _ttft(group: Sequence[Measurement]) -> float | None:
    values = [measurement.ttft_ms.p50 for measurement in group if measurement.ttft_ms]
    return median(values) if values else None
