"""What scores say: an evaluation, two of them, a board, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.accuracy_statistics import Parity, Verdict
from core.domain.benchmark import RunHead, RunState
from core.domain.evaluation import ScoreRow
from core.domain.evaluation_pairs import PairedScores
from core.domain.evaluation_reading import LeadRow
from core.domain.evaluation_scores import Conditions
from core.domain.leaderboard import Board, BoardHead, BoardRow
from core.domain.reference import Reference
from core.domain.score_health import SERIOUS, Health
from core.services.evaluation_results import EvaluationComparison, EvaluationDetail
from render.texts import Texts
from render.version_words import version_name

_LISTED = 4
_SUBSETS_NAMED = 3
_TINY = 0.001
_SAMPLING_WORDS: Mapping[str, str] = {"temperature": "T", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p"}


def run_name(run: RunHead) -> str:
    """The version that a run evaluated."""
    return version_name(run.model, run.version_label, run.origin)


# ---------------------------------------------------------------- one evaluation


def evaluation_answer(detail: EvaluationDetail, t: Texts) -> str:
    """The scores with their uncertainty, then whether to believe them; partial ones say so first."""
    parts = []
    if detail.run.state is RunState.PARTIAL and len(detail.datasets) < len(detail.asked):
        parts.append(t("score_answer.partial", done=len(detail.datasets), total=len(detail.asked)))
    leads = [found.lead for found in detail.datasets]
    missing = sum(row.errored + row.unscored for row in leads)
    if detail.run.state is RunState.PARTIAL and missing and not parts:
        total = sum(row.requested for row in leads)
        parts.append(t("score_answer.partial_within", count=t.number(missing), total=t.number(total)))
    if not leads:
        parts.append(t("score_answer.nothing" if detail.run.state is RunState.FAILED else "score_answer.nothing_yet"))
    elif len(leads) == 1:
        parts.append(lead_sentence(leads[0], t))
    else:
        parts.append(_many(leads, t))
    return t("answer.between").join([*parts, *_belief(leads, detail.healths, t)])


def lead_sentence(row: ScoreRow, t: Texts) -> str:
    """One dataset's."""
    if row.score is None:
        return t("score_answer.unanswered", dataset=row.dataset)
    words = {"dataset": row.dataset, "score": t.percent(row.score), "n": t.number(row.n)}
    if row.ci95 is None:
        return t("score_answer.plain_one", **words)
    return t("score_answer.one", **words, **interval(row.ci95[0], row.ci95[1], t))


def _many(leads: list[ScoreRow], t: Texts) -> str:
    scores = [row.score for row in leads if row.score is not None]
    words = [
        t("score_answer.item", dataset=row.dataset, score=t.percent(row.score))
        if row.score is not None
        else t("score_answer.item_none", dataset=row.dataset)
        for row in leads[:_LISTED]
    ]
    if len(leads) > _LISTED:
        words.append(t("score_answer.more", count=len(leads) - _LISTED))
    listed = t("answer.listed").join(words)
    if len(scores) < len(leads):
        return t("score_answer.many_open", count=len(leads), listed=listed)
    return t("score_answer.many", count=len(leads), mean=t.percent(sum(scores) / len(scores)), listed=listed)


def _belief(leads: list[ScoreRow], healths: tuple[Health, ...], t: Texts) -> list[str]:
    scored = [row for row in leads if row.score is not None]
    lost = sum(row.truncated + row.overflow + row.no_answer for row in scored)
    total = sum(row.requested for row in scored)
    if total and lost / total >= SERIOUS:
        return [t("score_answer.lost", count=t.number(lost), total=t.number(total))]
    sound = scored and len(scored) == len(leads) and all(health.is_sound for health in healths)
    return [t("score_answer.sound")] if sound else []


def interval(low: float, high: float, t: Texts) -> dict[str, str]:
    """Both ends of an interval of shares, as parameters of a sentence: one sign for both."""
    return {"low": t.number(low * 100, 1), "high": t.number(high * 100, 1)}


def interval_words(ci95: tuple[float, float] | None, t: Texts) -> str:
    """``94.8 – 97.1``."""
    return t.number(None) if ci95 is None else f"{t.number(ci95[0] * 100, 1)} \N{EN DASH} {t.number(ci95[1] * 100, 1)}"


def points(gap: float, t: Texts) -> str:
    """A difference in points, with its sign."""
    shown = t.number(abs(gap) * 100, 1)
    sign = "" if shown == t.number(0.0, 1) else "+" if gap > 0 else "\N{MINUS SIGN}"
    return f"{sign}{shown}"


def evaluation_line(run: RunHead, t: Texts) -> tuple[str | None, ...]:
    """Where the scores come from."""
    told = run.provenance
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    tool = " ".join(str(part) for part in (told.get("tool"), told.get("tool_version")) if part)
    when = t.when(run.started_at or run.created_at)
    return endpoint.get("name"), run.workload_label, tool, told.get("server_version"), when, run.created_by


def setting_facts(detail: EvaluationDetail, t: Texts) -> list[tuple[str, str]]:
    """What is known; what is not is left out."""
    run, request, told = detail.run, detail.request, detail.run.provenance
    thinking = {True: "on", False: "off", None: "default"}[request.thinking]
    sampling = detail.datasets[0].conditions.sampling if detail.datasets else {}
    facts = [
        ("run", run.id),
        ("when", t.when(run.started_at or run.created_at)),
        ("who", run.created_by),
        ("endpoint", (told.get("endpoint") or {}).get("base_url")),
        ("version", run.version_label),
        ("tool", " ".join(str(told[name]) for name in ("tool", "tool_version") if told.get(name))),
        ("max_tokens", t.number(request.max_tokens) if request.max_tokens else ""),
        ("batch", t.number(request.batch_size)),
        ("sampling", sampling_words(sampling)),
        ("seed", str(request.seed)),
        ("thinking", t(f"page.evaluation.thinking_{thinking}")),
    ]
    return [(name, str(value)) for name, value in facts if value]


# ---------------------------------------------------------------- two evaluations


def comparison_answer(found: EvaluationComparison, t: Texts) -> str:
    """Every dataset's difference, with what it is worth."""
    names = dict(zip(("before", "after"), pair_names(found), strict=True))
    if not found.datasets:
        return t("score_answer.nothing_common", **names)
    words = [
        t("score_answer.pair_item", dataset=pair.dataset, gap=points(pair.gap, t), verdict=verdict_words(pair, t))
        for pair in found.datasets
    ]
    return t("score_answer.compared", **names, listed=t("answer.listed").join(words))


def pair_names(found: EvaluationComparison) -> tuple[str, str]:
    """Of both; two of one version bear their runs' ids."""
    before, after = run_name(found.before), run_name(found.after)
    return (before, after) if before != after else (f"{before} ({found.before.id})", f"{after} ({found.after.id})")


def pair_sentence(pair: PairedScores, t: Texts) -> str:
    """One dataset's difference, its interval, and what flipped."""
    ends = {"low": points(pair.interval.low, t), "high": points(pair.interval.high, t)}
    words = {"gap": points(pair.gap, t), "verdict": verdict_words(pair, t), **ends}
    if not pair.pairs:
        return t("score_answer.pair_apart", **words)
    parts = [t("score_answer.pair", **words, pairs=t.number(pair.pairs))]
    counts = {"lost": pair.lost, "won": pair.won}
    if not pair.flips:
        parts.append(t("score_answer.no_flips"))
    elif pair.p_value is None:
        parts.append(t("score_answer.flips_plain", **counts))
    else:
        parts.append(t("score_answer.flips", **counts, p=p_words(pair.p_value)))
    if pair.lost_unanswered:
        parts.append(t("score_answer.flips_unanswered", count=pair.lost_unanswered))
    return t("answer.between").join(parts)


def verdict_words(pair: PairedScores, t: Texts) -> str:
    """Between two of ours an open difference is one that was not shown."""
    return t("parity.difference_none" if pair.verdict is Verdict.INCONCLUSIVE else f"parity.{pair.verdict}")


def p_words(p_value: float) -> str:
    """``= 0.31``, two figures; below a thousandth only that."""
    return f"< {_TINY}" if p_value < _TINY else f"= {p_value:.2g}"


def differing_words(pair: PairedScores, t: Texts) -> str:
    """The conditions that are not equal."""
    return t("answer.listed").join(t(f"condition.name_{name}") for name in pair.differing)


# ---------------------------------------------------------------- boards


def board_answer(board: Board, t: Texts) -> str:
    """Who leads, by how sure a score, and who cannot be told apart from it."""
    leader, ranked = board.leader, len(board.order.whole)
    if leader is None:
        return t("score_answer.no_rank", dataset=board.conditions.dataset)
    lead = leader.lead
    sentence = t(
        "score_answer.leads" if ranked > 1 else "score_answer.alone",
        dataset=board.conditions.dataset,
        name=lead_name(lead),
        score=t.percent(lead.score),
        n=t.number(lead.n),
        **interval(lead.ci_low or 0.0, lead.ci_high or 0.0, t),
    )
    if ranked == 1:
        return sentence
    tied = board.order.tied - 1
    return t("answer.between").join([sentence, t("score_answer.tied", count=tied) if tied else t("score_answer.clear")])


def lead_name(lead: LeadRow) -> str:
    """Of a version on a board."""
    return version_name(lead.model, lead.version_label, lead.origin)


def rank_words(row: BoardRow, t: Texts) -> str:
    """A shared place says so."""
    if row.rank is None:
        return t.number(None)
    return t("score.tied", rank=row.rank) if row.is_shared else str(row.rank)


def conditions_words(conditions: Conditions, t: Texts, *, short: bool = False) -> str:
    """What must be equal on a board. Short: without what is the same nearly always."""
    parts = [
        t("condition.limit", value=conditions.limit) if conditions.limit else t("condition.no_limit"),
        _subset_words(conditions.subsets, t),
        None if conditions.few_shot is None else t("condition.few_shot", count=conditions.few_shot),
        t("condition.repeats", count=conditions.repeats) if conditions.repeats > 1 else None,
        sampling_words(conditions.sampling),
        t("condition.judge", model=conditions.judge) if conditions.judge else None,
        None if conditions.thinking is None else t(f"condition.thinking_{'on' if conditions.thinking else 'off'}"),
    ]
    if not short:
        parts += [
            t("condition.evaluation_version", value=conditions.evaluation_version)
            if conditions.evaluation_version
            else None,
            t("condition.revision", value=conditions.revision[:12]) if conditions.revision else None,
            t("condition.prompt", value=conditions.prompt) if conditions.prompt else None,
            conditions.metric or None,
        ]
    return " · ".join(part for part in parts if part)


def _subset_words(names: Sequence[str], t: Texts) -> str | None:
    """By their names where they are few."""
    if not names:
        return None
    if len(names) > _SUBSETS_NAMED:
        return t("condition.subsets", count=len(names))
    return t("condition.subsets_named", count=len(names), names=t("answer.listed").join(names))


def sampling_words(sampling: Mapping[str, float]) -> str | None:
    """``T 0.6, top_p 0.95``: the API's own names, the same in every language."""
    words = [f"{_SAMPLING_WORDS.get(name, name)} {value:g}" for name, value in sampling.items()]
    return ", ".join(words) or None


def board_names(heads: Sequence[BoardHead], t: Texts) -> dict[str, str]:
    """Every board by key, told apart as briefly as may be; by its key where words do not."""
    short = {head.key: _board_name(head, t, short=True) for head in heads}
    whole = {head.key: _board_name(head, t, short=False) for head in heads}
    keyed = {key: f"{name} · {key}" for key, name in whole.items()}
    counts = [Counter(names.values()) for names in (short, whole)]
    return {
        key: short[key] if counts[0][short[key]] == 1 else whole[key] if counts[1][whole[key]] == 1 else keyed[key]
        for key in short
    }


def _board_name(head: BoardHead, t: Texts, *, short: bool) -> str:
    return f"{head.conditions.dataset} · {conditions_words(head.conditions, t, short=short)}"


def reference_words(reference: Reference, t: Texts) -> str:
    """How a published score came about, as far as its publisher tells: where, of which edition, how often, by whom."""
    parts = [
        reference.platform,
        reference.label,
        t("score.n_short", n=t.number(reference.n)) if reference.n else None,
        t("score.reference_repeats", count=reference.repeats) if reference.repeats else None,
        t("score.reference_judge", model=reference.judge) if reference.judge else None,
    ]
    return " · ".join(part for part in parts if part)


def parity_words(parity: Parity | None, t: Texts) -> str:
    """A verdict beside a published score."""
    return t("parity.not_like") if parity is None else t(f"parity.{parity.verdict}")


def parity_help(parity: Parity | None, t: Texts) -> str | None:
    """What would settle an open one."""
    if parity is None or parity.verdict is not Verdict.INCONCLUSIVE:
        return None
    if parity.n_needed is None:
        return t("parity.needs_theirs")
    return t("parity.needs", n=t.number(parity.n_needed))
