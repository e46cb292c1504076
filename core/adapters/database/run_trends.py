"""A long history as a trend: the middle run of each day and version, chosen by the database."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Float, Select, Subquery, cast, func, select

from core.adapters.database.connection import Database
from core.adapters.database.tables import MeasurementTable, RunTable
from core.domain.benchmark import FAILED_SHARE_LIMIT
from core.domain.history import DailyRun, TrendFigure

Columns: TypeAlias = "Select[*tuple[Any, ...]]"
_OF_A_RUN = {
    TrendFigure.OUTPUT: RunTable.best_output_tokens_per_s,
    TrendFigure.TTFT_P50: RunTable.lowest_ttft_p50_ms,
    TrendFigure.SCORE: RunTable.score,
}
"""Figures that the list itself knows of every run: its best sound point's."""


def daily(
    database: Database,
    where: Columns,
    figure: TrendFigure,
    concurrency: int | None,
    *,
    days: int,
) -> tuple[DailyRun, ...]:
    """Of the runs that ``where`` selects (id, created_at, version_key), the middle one of each day (UTC) and version by
    the best of its sound points, the newest first; of two middle ones the lower. At most ``days``."""
    values = (
        _of_runs(where, figure)
        if concurrency is None and figure in _OF_A_RUN
        else _of_points(where, figure, concurrency)
    )
    of_day = (func.date(values.c.created_at), values.c.version_key)
    place = func.row_number().over(partition_by=of_day, order_by=(values.c.value, values.c.id)).label("place")
    ranked = select(*values.c, place, func.count().over(partition_by=of_day).label("runs")).subquery()
    query = select(ranked.c.id, ranked.c.value, ranked.c.runs).where(ranked.c.place == (ranked.c.runs + 1) // 2)
    query = query.order_by(ranked.c.created_at.desc(), ranked.c.id.desc()).limit(days)
    with database.read() as session:
        return tuple(DailyRun(*row) for row in session.execute(query))


def _of_runs(where: Columns, figure: TrendFigure) -> Subquery:
    runs, value = where.subquery(), _OF_A_RUN[figure]
    query = select(*runs.c, cast(value, Float).label("value")).join(RunTable, RunTable.id == runs.c.id)
    return query.where(value.is_not(None)).subquery()


def _of_points(where: Columns, figure: TrendFigure, concurrency: int | None) -> Subquery:
    """Points at which too much failed are on no trend: see ``Measurement.is_sound``."""
    runs, point = where.subquery(), MeasurementTable
    value = getattr(point, figure.value)
    best = func.max(value) if figure.higher_is_better else func.min(value)
    query = select(*runs.c, best.label("value")).join(point, point.run_id == runs.c.id)
    query = query.where(value.is_not(None), point.succeeded > 0)
    query = query.where(point.failed <= FAILED_SHARE_LIMIT * (point.succeeded + point.failed))
    if concurrency is not None:
        query = query.where(point.concurrency == concurrency)
    return query.group_by(*runs.c).subquery()
