"""What a comparison says: names, sentences, differences, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.domain.comparison import HEADLINES, Call, Cell, Comparison, Evidence, Load, Noise, Pair, Unit, Verdict
from core.domain.gate import GateResult, Outcome
from core.domain.likeness import Difference, Fact, Weight
from render.texts import Texts
from render.version_words import version_label, version_name

_NO_BREAK = "\N{NO-BREAK SPACE}"
_SHARES = {"failures", "prefix_cache", "prefix_share"}


def names(sides: Sequence[Evidence], t: Texts) -> dict[str, str]:
    """What each run is called here, by its id: the label alone where the model is the same; where two would be called
    the same, the date beside it, or the end of the id where the dates are the same, too."""
    one_model = len({side.version.model for side in sides}) == 1
    short = {side.run.id: _name(side, one_model) for side in sides}
    called = list(short.values())
    dates = {side.run.id: t.when(side.run.created_at) for side in sides}
    marks = {
        run_id: dates[run_id] if list(dates.values()).count(dates[run_id]) == 1 else run_id[-6:] for run_id in short
    }
    return {key: f"{name} ({marks[key]})" if called.count(name) > 1 else name for key, name in short.items()}


def _name(side: Evidence, one_model: bool) -> str:
    model, label = side.version.model, version_label(side.version.label, side.run.origin)
    return (label or model) if one_model else version_name(model, label)


def load_name(load: Load, t: Texts) -> str:
    """``16 concurrent``, ``5 requests per second``, ``All loads``."""
    if load.rate_per_s is not None:
        return t("chart.at_rate", rate=t.number(load.rate_per_s))
    if load.concurrency is not None:
        return t("chart.at_concurrency", concurrency=t.number(load.concurrency))
    return t("page.compare.all_loads")


def signed(share: float) -> str:
    """+11 %, −0.4 %: two figures are enough; a change that rounds to nothing is ±0. Never broken before the sign."""
    return f"{_signed(share, _digits(share))}{_NO_BREAK}%"


def _signed(share: float, digits: int) -> str:
    shown = f"{abs(share) * 100:.{digits}f}"
    if float(shown) == 0.0:
        return f"±{shown}"
    return f"{'+' if share > 0 else '−'}{shown}"


def _digits(share: float) -> int:
    return 0 if abs(share) >= 0.0995 else 1


def interval(cell: Cell) -> tuple[str, str]:
    """Both ends in percent, with as many digits as the change itself."""
    if cell.change is None:
        return "–", "–"
    low, high = cell.change.low - 1.0, cell.change.high - 1.0
    digits = _digits(cell.change.share)
    return _signed(low, digits), _signed(high, digits)


# ------------------------------------------------------------ sentences


def answers(comparison: Comparison, t: Texts) -> tuple[str, ...]:
    """A sentence for each candidate, and one that names the best of several."""
    called = names(comparison.sides, t)
    said = [pair_answer(pair, called[comparison.baseline.run.id], called[pair.candidate.run.id], t)
            for pair in comparison.pairs]  # fmt: skip
    return (*said, *_best(comparison, called, t))


def _best(comparison: Comparison, called: dict[str, str], t: Texts) -> list[str]:
    count = len(comparison.pairs)
    if count < 2 or all(pair.verdict is Verdict.NOT_COMPARABLE for pair in comparison.pairs):
        return []
    best = comparison.best
    cell = best.overall(HEADLINES[0]) if best else None
    if best is None or cell is None or cell.change is None:
        return [t("comparison.no_best", count=count, baseline=called[comparison.baseline.run.id])]
    said = f"{t(f'figure.{cell.figure.id}')} {signed(cell.change.share)}"
    return [t("comparison.best", count=count, name=called[best.candidate.run.id], change=said)]


def pair_answer(pair: Pair, baseline: str, candidate: str, t: Texts) -> str:
    """What changed, each with its interval; what could not be compared, and why."""
    called = {"baseline": baseline, "candidate": candidate}
    if pair.verdict is Verdict.NOT_COMPARABLE:
        why = [difference(one, t) for one in pair.differences if one.weight is Weight.VOID]
        why = why or [t("comparison.no_load" if not pair.loads else "comparison.no_figures")]
        return t("comparison.not_comparable", list=t("answer.and").join(why), **called)
    cells = [cell for figure in HEADLINES if (cell := pair.overall(figure))]
    level = t("comparison.level")
    said = [part for cell in cells if (part := _part(cell, level if cell is cells[0] else "", t))]
    parts = t("comparison.between").join(said)
    where = t("comparison.loads", count=len(pair.loads))
    if len(pair.loads) == 1:
        where = t("comparison.load", load=load_name(pair.loads[0], t))
    return t("comparison.sentence", parts=parts, loads=where, **called) + _but(pair, t)


def _part(cell: Cell, level: str, t: Texts) -> str:
    figure = t(f"figure.{cell.figure.id}")
    if cell.change is None:
        if cell.baseline is None or cell.candidate is None:
            return ""
        return t("comparison.unknown", figure=figure, change=signed(cell.candidate / cell.baseline - 1.0))
    low, high = interval(cell)
    key = {Call.NOISE: "unchanged", Call.UNCLEAR: "unclear"}.get(cell.call, "changed")
    return t(f"comparison.{key}", figure=figure, change=signed(cell.change.share), level=level, low=low, high=high)


def _but(pair: Pair, t: Texts) -> str:
    """The load that goes most against what is said of all of them."""
    against = [cell for cell in pair.cells if cell.figure.headline and cell.change and _goes_against(cell, pair)]
    if len(pair.loads) < 2 or not against:
        return ""
    strongest = max(against, key=lambda cell: abs(cell.change.share) if cell.change else 0.0)
    here = [cell for cell in against if cell.load == strongest.load]
    parts = [t("comparison.but_part", figure=t(f"figure.{cell.figure.id}"), change=signed(cell.change.share))
             for cell in here if cell.change]  # fmt: skip
    return t("comparison.but", load=load_name(strongest.load, t), parts=t("comparison.between").join(parts))


def _goes_against(cell: Cell, pair: Pair) -> bool:
    overall = pair.overall(cell.figure)
    opposite = {Call.BETTER: Call.WORSE, Call.WORSE: Call.BETTER}
    if overall is None or cell.load.is_pooled or cell.call not in opposite:
        return False
    return overall.call is not cell.call


def difference(one: Difference, t: Texts) -> str:
    """In words, as part of a sentence; a field without words of its own by its name."""
    key = f"likeness.{one.code}"
    told = {"baseline": _fact(one.code, one.baseline, t), "candidate": _fact(one.code, one.candidate, t)}
    return t(key, **told) if t.has(key) else t("likeness.other", field=one.code, **told)


def _fact(code: str, fact: Fact, t: Texts) -> str | None:
    if code in _SHARES and isinstance(fact, int | float):
        return t.percent(float(fact))
    if code == "state":
        return t(f"run.{fact}")
    if code == "arrival" and fact is not None:
        return t("answer.and").join(t(f"likeness.arrival_{one}") for one in str(fact).split(", "))
    if isinstance(fact, bool) or fact is None or isinstance(fact, str):
        return None if fact is None else str(fact)
    return str(fact) if code.startswith("same_") else t.number(fact)


def caution(pair: Pair, t: Texts) -> str | None:
    """What a reader must know before believing the verdict; None where nothing weakens it."""
    weak = [difference(one, t) for one in pair.differences if one.weight is Weight.WEAKENS]
    return t("comparison.weakened", list=t("answer.and").join(weak)) if weak else None


def notes(pair: Pair, t: Texts) -> tuple[str, ...]:
    """What also differs, and hardly matters."""
    return tuple(difference(one, t) for one in pair.differences if one.weight is Weight.NOTE)


def basis(pair: Pair, t: Texts) -> tuple[str, ...]:
    """What the intervals rest on: unit and counts, correction, noise floor."""
    overall = pair.overall(HEADLINES[0])
    counts = overall.n if overall else (0, 0)
    if pair.basis.unit is Unit.REPEATS:
        first = t("comparison.by_repeats", repeats=pair.basis.repeats)
    else:
        first = t("comparison.by_requests", left=t.number(counts[0]), right=t.number(counts[1]))
    told = {"count": pair.basis.disturbed, "total": pair.basis.measured}
    disturbed = [t("comparison.disturbed", **told)] if pair.basis.disturbed else []
    return first, *disturbed, noise_line(pair.basis.noise, t), t("comparison.corrected", count=pair.basis.tests)


def advice(pair: Pair, t: Texts) -> str | None:
    """What would make an unclear verdict clear."""
    if pair.verdict is not Verdict.UNCLEAR:
        return None
    return t("comparison.advice_repeats" if pair.basis.unit is Unit.REPEATS else "comparison.advice_requests")


def noise_line(noise: Noise, t: Texts) -> str:
    """The floor, by headline figure."""
    return t("comparison.noise_measured", list=noise_list(noise, t)) if noise.run_ids else t("comparison.noise_assumed")


def noise_list(noise: Noise, t: Texts) -> str:
    """``output tokens per second 0.4 %, ...``."""
    parts = [t("comparison.noise_figure", figure=t(f"figure.{figure.id}"), share=t.percent(noise.floor(figure)))
             for figure in HEADLINES]  # fmt: skip
    return t("answer.and").join(parts)


def gate_lines(result: GateResult, t: Texts) -> tuple[str, ...]:
    """The outcome, then each figure that broke the limit, or what is missing for a decision."""
    if result.outcome is Outcome.UNUSABLE:
        return tuple(_without_decision(result, t))
    first = t(f"gate.{result.outcome.value}", limit=t.percent(result.max_regression))
    return (first, *(_offender(cell, t) for cell in result.offenders))


def _without_decision(result: GateResult, t: Texts) -> Iterator[str]:
    if result.is_whole and not result.unanswered:
        yield t("gate.unusable")
        return
    if not result.is_whole:
        yield t("gate.not_whole")
    if result.unanswered:
        loads = t("answer.and").join(load_name(load, t) for load in result.unanswered)
        yield t("gate.unanswered", loads=loads)


def _offender(cell: Cell, t: Texts) -> str:
    low, high = cell.worse_by or (0.0, 0.0)
    told = {"figure": t(f"figure.{cell.figure.id}"), "low": t.percent(low), "high": t.percent(high)}
    if cell.load.is_pooled:
        return t("gate.offender_all", **told)
    return t("gate.offender", load=load_name(cell.load, t), **told)
