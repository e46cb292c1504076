"""How many users a server holds, in a sentence and a table."""

from __future__ import annotations

from core.domain.capacity import Capacity, PointVerdict
from core.domain.workload import Slo
from render.tables import Table
from render.texts import Texts


def capacity_answer(found: Capacity, t: Texts) -> str:
    """The load that is held, and between which loads it surely lies; "at least" where the sweep never broke it."""
    said = {"limits": limits_words(found.slo, t)}
    if found.holds is None:
        answer = t("capacity.none", load=_load(found.breaks, found, t), **said)
    elif found.breaks is None:
        answer = t("capacity.at_least", load=_load(found.holds, found, t), **said)
    else:
        breaks = _load(found.breaks, found, t)
        answer = t("capacity.holds", load=_load(found.holds, found, t), breaks=breaks, **said)
    return t("answer.between").join([answer, _surely(found, t)])


def _surely(found: Capacity, t: Texts) -> str:
    if all(verdict.kept_share is None for verdict in found.verdicts):
        return t("capacity.no_records")
    low, high = _load(found.low, found, t), _load(found.high, found, t)
    if found.low is not None and found.high is not None:
        return t("capacity.between", low=low, high=high)
    if found.low is not None:
        return t("capacity.surely_low", low=low)
    return t("capacity.surely_high", high=high) if found.high is not None else t("capacity.unsure")


def limits_words(slo: Slo, t: Texts) -> str:
    """``TTFT <= 500 ms, TPOT <= 50 ms at p95``."""
    named = [f"{t(f'metric.{name[:-3]}_short')} ≤ {t.ms(limit)}" for name, limit in slo.limits_ms]
    return t("capacity.limits", limits=t("answer.listed").join(named), percentile=f"p{slo.percentile}")


def capacity_table(found: Capacity, t: Texts) -> Table:
    """A row per load: the percentiles that were compared, the requests that kept every limit, the verdict."""
    rows = found.verdicts
    columns = {t(f"capacity.{'rate' if found.is_rate else 'load'}"): tuple(t.number(row.load) for row in rows)}
    for name, limit in found.slo.limits_ms:
        head = f"{t(f'metric.{name[:-3]}_short')} p{found.slo.percentile} ≤ {t.ms(limit)}"
        columns[head] = tuple(_value(row, name, limit, t) for row in rows)
    columns[t("capacity.kept_share")] = tuple(t.percent(row.kept_share) for row in rows)
    columns[t("capacity.goodput")] = tuple(t.number(row.goodput_per_s) for row in rows)
    columns[t("capacity.verdict")] = tuple(t(f"capacity.{_verdict(row)}") for row in rows)
    return Table(columns, has_rough=False)


def _value(row: PointVerdict, name: str, limit: float, t: Texts) -> str:
    """Over the limit says so in a sign, not in a colour alone."""
    value = row.values_ms.get(name)
    return t.ms(value) if value is None or value <= limit else f"{t.ms(value)} ✗"


def _verdict(row: PointVerdict) -> str:
    if row.surely is None:
        return "kept" if row.kept else "broken"
    if row.surely is row.kept:
        return "surely_kept" if row.kept else "surely_broken"
    return "kept" if row.kept else "broken"


def _load(load: float | None, found: Capacity, t: Texts) -> str:
    if load is None:
        return "–"
    if found.is_rate:
        return t("chart.at_rate", rate=t.number(load))
    return t("capacity.users", count=round(load), users=t.number(load, 0))
