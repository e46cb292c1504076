"""What is said of scores, and the files that leave."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.accuracy_statistics import Interval, Verdict, parity
from core.domain.benchmark import RunHead, RunKind, RunState
from core.domain.evaluation import DatasetChoice, EvaluationRequest, Sample, SampleStatus, ScoreRow
from core.domain.evaluation_pairs import Flip, PairedScores
from core.domain.evaluation_reading import DatasetScores, SampleRow, Tally
from core.domain.evaluation_scores import Conditions, Ending
from core.domain.leaderboard import BoardHead
from core.domain.score_health import health_of
from core.services.evaluation_results import EvaluationComparison, EvaluationDetail, FlipRow
from render.charts.comparison_scores import before_and_after
from render.charts.scores import ScorePoint, outcome_bars, score_intervals
from render.evaluation_documents import (
    evaluation_document,
    evaluation_json,
    evaluation_markdown,
    pairs_csv,
    pairs_json,
    pairs_markdown,
    samples_csv,
    samples_jsonl,
    scores_csv,
)
from render.evaluation_report import evaluation_report, pairs_report
from render.score_words import (
    board_names,
    comparison_answer,
    conditions_words,
    evaluation_answer,
    p_words,
    pair_sentence,
    parity_help,
    points,
)
from render.texts import LANGUAGES, Texts

EN, ZH = Texts("en"), Texts("zh")
CONDITIONS = Conditions("gsm8k", None, "v1.1", "accuracy", (), "50", 4, 2, {"temperature": 0.6, "top_k": 20})
ROW = ScoreRow("gsm8k", None, None, "accuracy", "mean", True, 0.9, (0.88, 0.92), 1319, 1319, 0, 0, 0, 0, 0)
RUN = RunHead(
    id="run-1",
    endpoint_id="ep-1",
    model="R1",
    version_label="W8A8",
    origin="attached",
    engine="evalscope",
    state=RunState.COMPLETE,
    seed=42,
    created_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    created_by="local",
    command=("seatrial", "eval"),
    kind=RunKind.EVALUATION,
    workload_label="gsm8k",
    workload_key="",
)


def detail(
    *rows: ScoreRow, state: RunState = RunState.COMPLETE, asked: tuple[str, ...] = ("gsm8k",)
) -> EvaluationDetail:
    request = EvaluationRequest("ep-1", tuple(DatasetChoice(name) for name in asked))
    found = tuple(DatasetScores(row.dataset, replace(CONDITIONS, dataset=row.dataset), False, (row,)) for row in rows)
    return EvaluationDetail(
        run=replace(RUN, state=state),
        request=request,
        datasets=found,
        healths=tuple(health_of(one, request) for one in found),
        tallies=tuple(Tally(row.dataset, "main", right=9, wrong=1) for row in rows),
        artifacts=(),
        job=None,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (detail(), "Nothing is scored yet."),
        (detail(state=RunState.FAILED), "Nothing could be scored."),
        (
            detail(replace(ROW, truncated=5)),
            "gsm8k: 90.0 % (95 % CI 88.0 to 92.0, n = 1,319). Nothing was seen that makes it too low.",
        ),
        (
            detail(replace(ROW, truncated=100, overflow=32)),
            "gsm8k: 90.0 % (95 % CI 88.0 to 92.0, n = 1,319). 132 of 1,319 questions were not answered to the end; the"
            " score is lower than the model deserves.",
        ),
        (
            detail(replace(ROW, score=None, ci95=None, truncated=1319)),
            "gsm8k: no answer was produced, so there is no score.",
        ),
        (
            detail(
                ROW, replace(ROW, dataset="ceval", score=0.8), state=RunState.PARTIAL, asked=("gsm8k", "ceval", "x")
            ),
            "Partial: 2 of 3 datasets. 2 datasets, 85.0 % on average: gsm8k 90.0 %, ceval 80.0 %. Nothing was seen that"
            " makes it too low.",
        ),
        (
            detail(replace(ROW, n=1279, errored=40), state=RunState.PARTIAL),
            "Partial: 40 of 1,319 questions have no score. gsm8k: 90.0 % (95 % CI 88.0 to 92.0, n = 1,279).",
        ),
        (
            detail(ROW, replace(ROW, dataset="ceval", score=None, ci95=None)),
            "2 datasets: gsm8k 90.0 %, ceval without a score.",
        ),
    ],
)
def test_an_evaluation_in_a_sentence(found: EvaluationDetail, said: str) -> None:
    assert evaluation_answer(found, EN) == said
    assert evaluation_answer(found, ZH) != said


def pair(**changes: object) -> PairedScores:
    base = PairedScores(
        "gsm8k", 1319, 0.9, 0.896, Interval(-0.012, 0.004), Verdict.INCONCLUSIVE, 0.31, 7, 12, 3, (), ()
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_difference_in_a_sentence() -> None:
    flips = (object(),)
    assert pair_sentence(pair(flips=flips), EN) == (
        "−0.4 pt (95 % CI −1.2 to +0.4, 1,319 pairs): no difference shown. 12 questions lost, 7 won (McNemar p = 0.31)."
        " Of the lost, 3 were not answered to the end."
    )
    assert "are compared as wholes" in pair_sentence(pair(pairs=0), EN)
    assert "worse" in pair_sentence(pair(verdict=Verdict.WORSE), EN)


def test_two_evaluations_in_a_sentence() -> None:
    other = replace(RUN, id="run-2", version_label="FP8")
    assert comparison_answer(EvaluationComparison(RUN, other, (pair(),), (), ()), EN) == (
        "R1 FP8 against R1 W8A8: gsm8k −0.4 pt (no difference shown)."
    )
    twins = EvaluationComparison(RUN, replace(RUN, id="run-2"), (), ("a",), ("b",))
    assert comparison_answer(twins, EN) == (
        "R1 W8A8 (run-2) and R1 W8A8 (run-1) have no dataset with a score in common."
    )


@pytest.mark.parametrize(("gap", "said"), [(0.0004, "0.0"), (-0.0312, "−3.1"), (0.05, "+5.0")])
def test_points_have_a_sign_where_there_is_a_difference(gap: float, said: str) -> None:
    assert points(gap, EN) == said


@pytest.mark.parametrize(("p", "said"), [(0.31, "= 0.31"), (0.00754, "= 0.0075"), (1e-9, "< 0.001"), (1.0, "= 1")])
def test_p_values(p: float, said: str) -> None:
    assert p_words(p) == said


def test_boards_of_other_parts_have_other_names() -> None:
    many = tuple(f"part {number}" for number in range(5))
    parts = [("en",), ("zh",), ("en", "zh"), many, (*many[:4], "part 9")]
    heads = [
        BoardHead(one.key, one, 1) for one in (replace(CONDITIONS, dataset="logic", subsets=names) for names in parts)
    ]
    names = list(board_names(heads, EN).values())
    assert [name.split(" · ")[2] for name in names] == [
        *("subset en", "subset zh", "subsets en, zh", "5 subsets", "5 subsets")
    ]
    assert len(set(names)) == len(heads) and names[-1].endswith(heads[-1].key)


def test_conditions_and_what_would_settle_it() -> None:
    assert conditions_words(CONDITIONS, EN, short=True) == (
        "first 50 of each subset · 4-shot · asked 2 times · T 0.6, top_k 20"
    )
    assert conditions_words(CONDITIONS, EN).endswith("evaluation v1.1 · accuracy")
    assert parity_help(parity(0.86, 250, 0.852, 250), EN) == EN("parity.needs_theirs")
    assert parity_help(parity(0.5, 100_000, 0.9), EN) is None


def test_files_say_the_same() -> None:
    found = detail(replace(ROW, truncated=100), replace(ROW, dataset="c|eval", score=None, ci95=None))
    document = json.loads(evaluation_json(found))
    assert document == json.loads(json.dumps(evaluation_document(found)))
    first, second = document["scores"]
    assert (first["score"], first["ci95"], first["truncated"]) == (0.9, [0.88, 0.92], 100)
    assert (second["score"], second["ci95"]) == (None, None)
    assert document["health"]["gsm8k"]["findings"][0]["code"] == "score_truncated"
    rows = list(csv.DictReader(io.StringIO(scores_csv(found))))
    assert [(row["dataset"], row["score"], row["ci95_low"]) for row in rows] == [
        ("gsm8k", "0.9", "0.88"),
        ("c|eval", "", ""),
    ]
    text = evaluation_markdown(found, EN)
    assert text.startswith("# R1 W8A8\n")
    assert r"c\|eval" in text
    assert "- gsm8k: Attention: 100 answers" in text


def test_samples_leave_whole() -> None:
    said = 'It is "four",\nas 2 + 2 = 4'
    asked = ("gsm8k", "main", 0, "q-1", "0", 0, "2 + 2?", "4", "4", said, "Let me think.", "accuracy", 1.0)
    right = Sample(*asked, SampleStatus.SCORED, "stop", output_tokens=9, latency_ms=12.5, scores={"accuracy": 1.0})
    cut = replace(right, index=1, extracted=None, answer="", reasoning=None, score=0.0, stop_reason="max_tokens")
    kept = [(0, Ending.ANSWERED, right), (1, Ending.TRUNCATED, cut)]
    first, second = map(json.loads, samples_jsonl(kept).splitlines())
    assert (first["answer"], first["reasoning"], first["latency_ms"]) == (said, "Let me think.", 12.5)
    assert (second["number"], second["ending"], second["stop_reason"]) == (1, "truncated", "max_tokens")
    rows = list(csv.DictReader(io.StringIO(samples_csv(kept))))
    assert [(row["ending"], row["gold"], row["extracted"]) for row in rows] == [
        ("answered", "4", "4"),
        ("truncated", "4", ""),
    ]
    assert rows[0]["answer"] == said


def test_the_offline_report_asks_for_nothing_and_speaks_both_languages() -> None:
    found = detail(replace(ROW, dataset="<script>alert(1)</script>"))
    html = evaluation_report(found, EN)
    assert "<script>alert(1)" not in html
    assert all(f'<main lang="{language}">' in html for language in LANGUAGES)
    assert "得分可信吗" in html
    body = html[: html.index("<script>", html.index("</main>"))]
    assert "http://" not in body
    assert "https://" not in body


def test_two_evaluations_leave_as_files() -> None:
    found = EvaluationComparison(RUN, replace(RUN, id="run-2", version_label="FP8"), (pair(),), (), ("x",))
    side = SampleRow("gsm8k", 0, "main", 0, Ending.ANSWERED, 1.0, "<b>1 + 1?</b>", "2", "2", "stop", 9, 1.0)
    flip = FlipRow(Flip(0, 0, False, Ending.ANSWERED, Ending.NO_ANSWER), side, replace(side, extracted=None))
    html = pairs_report(found, {"gsm8k": [flip]}, ZH)
    assert "&lt;b&gt;1 + 1?&lt;/b&gt;" in html
    assert "R1 FP8 against R1 W8A8" in html
    document = json.loads(pairs_json(found))
    assert (document["datasets"][0]["gap"], document["only_after"]) == (pytest.approx(-0.004), ["x"])
    heads, line = pairs_csv(found).splitlines()
    told = dict(zip(heads.split(","), line.split(","), strict=True))
    assert (told["dataset"], told["before_run_id"], told["after_run_id"]) == ("gsm8k", RUN.id, "run-2")
    assert float(told["gap"]) == pytest.approx(-0.004)
    assert float(told["gap_ci95_low"]) < float(told["gap"]) < float(told["gap_ci95_high"])
    assert pairs_markdown(found, EN).startswith("R1 FP8 against R1 W8A8: gsm8k −0.4 pt (no difference shown).\n")


def test_charts_tell_partial_from_whole_and_right_from_cut_off() -> None:
    marks = [ScorePoint("a", "A", 0.9, 0.8, 0.95, 50), ScorePoint("b", "B<b>", 0.5, None, None, 9, is_partial=True)]
    figure = score_intervals(marks, EN)
    assert list(figure.data[0].marker.symbol) == ["circle", "circle-open"]
    assert list(figure.data[0].error_x.array) == pytest.approx([5.0, 0.0])
    assert "B&lt;b&gt;" in figure.layout.yaxis.ticktext
    bars = outcome_bars([Tally("gsm8k", "main", right=3, truncated=1)], ["gsm8k"], EN)
    shown = {bar.name: (bar.x[0], bar.marker.pattern.shape) for bar in bars.data if bar.showlegend}
    assert shown == {"Right": (75.0, ""), "Cut off": (25.0, "/")}
    paired = before_and_after([pair()], ("old", "new"), EN)
    assert [line.name for line in paired.data] == ["new", "old"]
    high = before_and_after([pair(before=0.915, after=0.99, interval=Interval(-0.013, 0.169))], ("old", "new"), EN)
    bar = high.data[0].error_x
    assert (bar.array[0], bar.arrayminus[0]) == pytest.approx((1.0, 8.8)), "no line leaves what a score can be"
