"""A workload in one line."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.workload import Spread, Workload
from render.texts import Texts


def workload_words(workload: Workload, t: Texts, *, is_sampling_known: bool = True) -> str:
    """Lengths and route first; of the rest what is not as usual."""
    sampling = _sampling(workload, t) if is_sampling_known else [t("workload.sampling_unknown")]
    return " · ".join([*_parts(workload, t), *sampling])


def _parts(workload: Workload, t: Texts) -> Iterator[str]:
    input_text = _length(workload.input_tokens, workload.input_spread, t)
    output_text = _length(workload.output_tokens, workload.output_spread, t)
    if workload.dataset is not None:
        input_text = f"≈ {t.number(workload.dataset.input_tokens)}"
    yield t("workload.lengths", input=input_text, output=output_text)
    yield t(f"page.benchmark.api_{workload.api}")
    if workload.dataset is not None:
        yield t("workload.dataset", name=workload.dataset.name)
    if workload.turns > 1:
        yield t("workload.turns", count=workload.turns)
    if workload.prefix_share:
        yield t("workload.prefix", share=t.percent(workload.prefix_share))


def _sampling(workload: Workload, t: Texts) -> Iterator[str]:
    yield t("workload.greedy") if workload.is_greedy else t("workload.sampled", value=workload.temperature)
    if workload.top_p is not None:
        yield f"top-p {workload.top_p:g}"
    if workload.top_k is not None:
        yield f"top-k {workload.top_k}"
    if not workload.ignore_eos:
        yield t("workload.stops_at_eos")


def _length(mean: int, spread: Spread | None, t: Texts) -> str:
    if spread is None:
        return t.number(mean)
    if spread.std is not None:
        return f"{t.number(mean)} ± {t.number(spread.std)}"
    return t("workload.range", low=t.number(spread.low), high=t.number(spread.high))
