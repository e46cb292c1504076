"""The eleven figures of the source guide, under names that say what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.domain.benchmark import Distribution, Measurement
from render.charts.axes import load_label
from render.tables import Table
from render.texts import Texts


def _mean(found: Distribution | None, t: Texts) -> str:
    return t.number(found.mean if found else None)


FIGURES: Mapping[str, Callable[[Measurement, Texts], str]] = {
    "concurrency": lambda m, t: t.number(m.concurrency),
    "duration": lambda m, t: t.number(m.duration_s),
    "succeeded": lambda m, t: _of(m.requests.succeeded, m.requests.failed, t),
    "input_tokens": lambda m, t: t.number(m.input_tokens),
    "output_tokens": lambda m, t: t.number(m.output_tokens),
    "requests_per_s": lambda m, t: t.number(m.requests_per_s),
    "output_tokens_per_s": lambda m, t: t.number(m.output_tokens_per_s),
    "total_tokens_per_s": lambda m, t: t.number(m.total_tokens_per_s),
    "ttft": lambda m, t: _mean(m.ttft_ms, t),
    "tpot": lambda m, t: _mean(m.tpot_ms, t),
    "itl": lambda m, t: _mean(m.itl_ms, t),
}
"""By key of its words, [guide] in the texts."""


def _of(succeeded: int, failed: int, t: Texts) -> str:
    """What failed stands beside what succeeded: the guide calls the one a total."""
    return t.number(succeeded) if not failed else t("guide.of", succeeded=t.number(succeeded), failed=t.number(failed))


def guide_table(measurements: Sequence[Measurement], t: Texts) -> Table:
    """A row per figure with what it means, a column per point and repeat."""
    ordered = sorted(measurements, key=lambda m: (m.point_index, m.repeat))
    columns = {
        t("guide.figure"): tuple(t(f"guide.{key}") for key in FIGURES),
        t("guide.meaning"): tuple(t(f"guide.{key}_meaning") for key in FIGURES),
    }
    for one in ordered:
        head = load_label(one, t)
        while head in columns:  # a repeat, or the same load again
            head += "′"
        columns[head] = tuple(tell(one, t) for tell in FIGURES.values())
    return Table(columns, has_rough=False)
