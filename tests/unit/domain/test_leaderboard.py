"""Boards: places, ties, published scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.accuracy_statistics import Verdict, wilson
from core.domain.benchmark import RunState
from core.domain.evaluation_reading import LeadRow, Speed
from core.domain.evaluation_scores import Conditions
from core.domain.leaderboard import (
    Board,
    BoardHead,
    Entrant,
    Place,
    Standing,
    Standings,
    board_of,
    independent_n,
    not_measured,
    ordered,
    overview_of,
    speed_points,
    with_references,
)
from core.domain.reference import Reference, is_like, model_word

CONDITIONS = Conditions("mmlu_pro", None, "v1", "accuracy", (), "50", 5, 1, {"temperature": 0.6})
HEAD = BoardHead(CONDITIONS.key, CONDITIONS, 3)
REFERENCE = Reference("DeepSeek-R1-0528", "mmlu_pro", "VACC", 0.86, "guide", n=250, subsets=5, limit=50)


def place(name: str, score: float | None, n: int = 250, **changes: Any) -> Place:
    low, high = wilson(score, n) if score is not None else (None, None)
    found = Place(HEAD.key, f"run-{name}", f"v-{name}", name, "", "attached", score, low, high, False)
    return found._replace(**changes)


def lead(found: Place, n: int = 250) -> LeadRow:
    return LeadRow(
        run_id=found.run_id,
        endpoint_id="ep-1",
        model=found.model,
        version_label=found.version_label,
        version_key=found.version_key,
        platform=None,
        origin=found.origin,
        state=RunState.COMPLETE,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        dataset="mmlu_pro",
        conditions_key=found.conditions_key,
        metric="accuracy",
        score=found.score,
        ci_low=found.low,
        ci_high=found.high,
        n=n,
        requested=n,
        truncated=0,
        overflow=0,
        no_answer=0,
        errored=0,
        is_partial=found.is_partial,
    )


def board(*places: Place, references: tuple[Reference, ...] = (), margin: float = 0.01, n: int = 250) -> Board:
    return board_of(HEAD, ordered(places), {one.run_id: lead(one, n) for one in places}, references, margin)


def test_a_version_stands_by_its_newest_whole_score_on_every_board() -> None:
    runs = [Entrant(f"run-{number}", version, "m", "", "attached") for number, version in enumerate("aabb")]
    scored = [("x", 0, 0.4), ("x", 1, 0.5), ("x", 2, 0.6), ("x", 3, 0.7), ("y", 3, 0.8)]
    given = [Standing(board, f"run-{run}", score, None, None, run == 3) for board, run, score in scored]
    archived = Standing("y", "run-9", 0.9, 0.8, 1.0, False)
    for standings in (given, given[::-1]):
        found = Standings(runs, [archived, *standings])
        assert found.versions == {"x": 2, "y": 1}
        told = {(one.version_key, one.run_id, one.score, one.is_partial) for one in found.places("x")}
        assert told == {("a", "run-1", 0.5, False), ("b", "run-2", 0.6, False)}
        assert [(one.conditions_key, one.score, one.is_partial) for one in found.places("y")] == [("y", 0.8, True)]
        assert found.places("z") == []


def test_ties_share_a_rank_and_gaps_are_no_zeros() -> None:
    found = board(
        place("c", 0.70), place("a", 0.86), place("none", None), place("b", 0.84), place("part", 0.99, is_partial=True)
    )
    told = [(row.lead.model, row.rank, row.is_shared) for row in found.rows]
    assert told == [
        ("a", 1, True),
        ("b", 1, True),
        ("c", 3, False),
        ("part", None, False),
        ("none", None, False),
    ]
    assert found.order.tied == 2
    assert found.leader is found.rows[0]


def test_a_board_without_a_whole_score_has_no_leader() -> None:
    assert board(place("none", None)).leader is None
    assert board(place("part", 0.9, is_partial=True)).leader is None


def test_published_scores_stand_beside_the_same_model_only() -> None:
    theirs = replace(REFERENCE, model="Qwen3-8B")
    found = board(place("deepseek-ai/DeepSeek-R1-0528", 0.86), place("other", 0.86), references=(REFERENCE, theirs))
    by_model = {row.lead.model: row.references for row in found.rows}
    (beside,) = by_model["deepseek-ai/DeepSeek-R1-0528"]
    assert beside.parity is not None
    assert (beside.parity.verdict, beside.parity.gap) == (Verdict.INCONCLUSIVE, 0.0)
    assert by_model["other"] == ()
    assert not_measured((REFERENCE, theirs), found) == (theirs,)


def test_as_many_questions_or_no_verdict() -> None:
    found = board(place("DeepSeek-R1-0528", 0.86, 1000), references=(REFERENCE,), n=1000)
    assert found.rows[0].references[0].parity is None
    whole = replace(REFERENCE, n=None)
    limited = board(place("DeepSeek-R1-0528", 0.86), references=(whole,))
    assert limited.rows[0].references[0].parity is None


@pytest.mark.parametrize(
    ("told", "ours", "is_compared"),
    [
        ({"metric": "Pass@1"}, {}, True),
        ({"metric": "AverageAccuracy"}, {}, True),
        ({"metric": "F1"}, {}, False),
        ({"metric": "prompt_level_strict_acc"}, {"metric": "prompt_level_strict"}, True),
        ({"judge": "Qwen/Qwen3-235B"}, {}, False),
        ({"judge": "Qwen/Qwen3-235B"}, {"judge": "qwen3-235b"}, True),
        ({"judge": "Qwen/Qwen3-235B"}, {"judge": "other"}, False),
        ({"thinking": True}, {}, False),
        ({"thinking": True}, {"thinking": True}, True),
        ({"repeats": 64}, {}, True),
        ({"label": "MMLU-Pro of another year"}, {}, False),
    ],
)
def test_a_verdict_needs_the_same_score_by_the_same_judge(
    told: dict[str, Any], ours: dict[str, Any], is_compared: bool
) -> None:
    conditions = replace(CONDITIONS, **ours)
    row = lead(place("DeepSeek-R1-0528", 0.86))
    assert is_like(replace(REFERENCE, **told), row, conditions) is is_compared


def test_the_margin_decides() -> None:
    found = board(place("DeepSeek-R1-0528", 0.86), references=(REFERENCE,), margin=0.1)
    parity = found.rows[0].references[0].parity
    assert parity is not None
    assert parity.verdict is Verdict.PARITY


def test_models_with_references_are_found() -> None:
    order = ordered([place("DeepSeek-R1-0528", 0.86), place("other", 0.9)])
    assert [one.model for one in with_references(order, [REFERENCE], "mmlu_pro")] == ["DeepSeek-R1-0528"]
    assert with_references(order, [REFERENCE], "gsm8k") == []


def test_repeats_are_read_back_from_the_interval() -> None:
    found = place("a", 0.8, n=80)
    assert independent_n(lead(found, 320)) == pytest.approx(80, rel=1e-3)


@pytest.mark.parametrize("name", ["DeepSeek-R1-0528", "deepseek-ai/DeepSeek-R1-0528", "/weights/deepseek_r1_0528/"])
def test_spellings_of_a_model(name: str) -> None:
    assert model_word(name) == "deepseekr10528"


def test_versions_on_most_boards_come_first() -> None:
    other = BoardHead("other", replace(CONDITIONS, dataset="gsm8k"), 1)
    orders = {HEAD.key: ordered([place("a", 0.9), place("b", 0.5)]), "other": ordered([place("b", 0.7)])}
    found = overview_of([HEAD, other], orders, 1)
    assert (found.rows[0].model, found.more) == ("b", 1)
    assert {key: cell.rank for key, cell in found.rows[0].cells.items()} == {HEAD.key: 2, "other": 1}


def test_scores_meet_speeds_by_version() -> None:
    found = board(place("a", 0.9), place("b", 0.5), place("c", None))
    speeds = {"v-a": Speed("v-a", "a", "", 900.0, "run-s"), "v-c": Speed("v-c", "c", "", 1.0, "run-t")}
    assert [(point.row.lead.model, point.speed.output_tokens_per_s) for point in speed_points(found, speeds)] == [
        ("a", 900.0)
    ]
