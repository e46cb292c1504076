"""What counts as an answer, what a score is, and when two may be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.evaluation import (
    OVERFLOW,
    TRUNCATED,
    BenchmarkSettings,
    DatasetChoice,
    DatasetOutcome,
    DatasetReport,
    EvaluationRequest,
    Limit,
    ReportScore,
    Sample,
    SampleStatus,
    Sampling,
    ScoreRow,
)
from core.domain.evaluation_scores import (
    Conditions,
    Ending,
    ScoreCounter,
    common_end,
    common_start,
    conditions_of,
    ending_of,
    headline,
    question_key,
    snippet,
)
from core.formats import records

BASE = Sample(
    dataset="gsm8k",
    subset="main",
    index=0,
    sample_id="0",
    group_id="0",
    repeat=0,
    question="1 + 1?",
    gold="2",
    extracted="2",
    answer="2",
    reasoning=None,
    metric="accuracy",
    score=1.0,
    status=SampleStatus.SCORED,
    stop_reason="stop",
    scores={"accuracy": 1.0},
)


def sample(index: int = 0, score: float | None = 1.0, **changes: Any) -> Sample:
    scores = {} if score is None else {"accuracy": score}
    return replace(BASE, index=index, group_id=str(index), score=score, scores=scores, **changes)


def outcome(*scores: ReportScore, **changes: Any) -> DatasetOutcome:
    report = DatasetReport("gsm8k", "GSM8K", "m", 2, scores, 4, 4, 0, False, "v1", "rev", 4, "{question}")
    base = DatasetOutcome("gsm8k", DatasetChoice("gsm8k"), report, False, 4, 12.0)
    return replace(base, **changes)


def whole(score: float, n: int, **changes: Any) -> ReportScore:
    return replace(ReportScore(None, None, "accuracy", "mean", score, n, True), **changes)


def rows(found: DatasetOutcome, *samples: Sample) -> tuple[ScoreRow, ...]:
    counter = ScoreCounter()
    for one in samples:
        counter.add(one)
    return counter.rows(found)


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, Ending.ANSWERED),
        ({"extracted": None}, Ending.NO_ANSWER),
        ({"stop_reason": TRUNCATED}, Ending.TRUNCATED),
        ({"stop_reason": TRUNCATED, "extracted": None}, Ending.TRUNCATED),
        ({"stop_reason": OVERFLOW, "extracted": None}, Ending.OVERFLOW),
        ({"status": SampleStatus.UNSCORED}, Ending.UNSCORED),
        ({"status": SampleStatus.ERRORED, "stop_reason": TRUNCATED}, Ending.ERRORED),
    ],
)
def test_each_sample_ends_in_one_way(changes: dict[str, Any], ending: Ending) -> None:
    assert ending_of(replace(BASE, **changes)) is ending


def test_the_mean_of_the_samples_makes_the_report_exact() -> None:
    (row,) = rows(outcome(whole(0.3333, 3)), sample(0), sample(1, 0.0), sample(2, 0.0))
    assert row.score == pytest.approx(1 / 3, abs=1e-12)
    assert (row.n, row.requested, row.duration_s) == (3, 4, 12.0)
    assert row.unscored == 1  # four were asked for, three were scored


def test_the_time_of_subsets_is_their_share_of_the_datasets_by_the_latencies() -> None:
    parts = (whole(1.0, 3), replace(whole(1.0, 2), subset="en"), replace(whole(1.0, 1), subset="zh"))
    asked = [("en", 100.0), ("en", 200.0), ("zh", 900.0)]
    found = rows(
        outcome(*parts), *(replace(sample(i), subset=name, latency_ms=ms) for i, (name, ms) in enumerate(asked))
    )
    assert {row.subset: row.duration_s for row in found} == {None: 12.0, "en": 3.0, "zh": 9.0}
    untold = rows(outcome(*parts), *(replace(sample(i), subset="en", latency_ms=None) for i in range(2)))
    assert {row.subset: row.duration_s for row in untold} == {None: 12.0, "en": None, "zh": None}


def test_a_report_that_is_no_mean_keeps_its_own_score() -> None:
    (row,) = rows(outcome(whole(0.9, 3, aggregation="pass_at_k")), sample(0), sample(1, 0.0), sample(2, 0.0))
    assert row.score == 0.9


def test_losses_are_counted_each_once() -> None:
    (row,) = rows(
        outcome(whole(0.25, 4)),
        sample(0),
        sample(1, 0.0, stop_reason=TRUNCATED, extracted=None),
        sample(2, 0.0, stop_reason=OVERFLOW, extracted=None),
        sample(3, 0.0, extracted=None),
    )
    assert (row.truncated, row.overflow, row.no_answer, row.errored, row.unscored) == (1, 1, 1, 0, 0)


def test_zero_with_every_answer_cut_off_is_no_score() -> None:
    lost = [sample(i, 0.0, stop_reason=TRUNCATED, extracted=None) for i in range(4)]
    (row,) = rows(outcome(whole(0.0, 4)), *lost)
    assert (row.score, row.ci95, row.truncated) == (None, None, 4)


def test_zero_of_answers_is_a_score() -> None:
    (row,) = rows(outcome(whole(0.0, 4)), *[sample(i, 0.0) for i in range(4)])
    assert row.score == 0.0
    assert row.ci95 == pytest.approx((0.0, 0.4899), abs=1e-4)


def test_repeats_widen_the_interval() -> None:
    once = [sample(i, float(i % 2)) for i in range(40)]
    thrice = [replace(one, repeat=repeat, index=one.index * 3 + repeat) for one in once for repeat in range(3)]
    (row,) = rows(outcome(whole(0.5, 40)), *once)
    (clustered,) = rows(outcome(whole(0.5, 120)), *thrice)
    assert clustered.ci95 == row.ci95
    assert clustered.n == 120


def test_without_a_report_the_samples_speak_and_it_is_partial() -> None:
    found = rows(
        outcome(report=None, is_partial=True, expected=10),
        sample(0),
        sample(1, 0.0, subset="other"),
        sample(2, None, status=SampleStatus.UNSCORED),
    )
    assert [(row.subset, row.score) for row in found] == [(None, 0.5), ("main", 1.0), ("other", 0.0)]
    assert (found[0].requested, found[0].unscored, found[0].is_partial) == (10, 8, True)


def test_all_requests_failed() -> None:
    report = DatasetReport("gsm8k", "GSM8K", "m", 2, (), 60, 0, 60, True)
    (row,) = rows(outcome(report=report, is_partial=True))
    assert (row.score, row.n, row.requested, row.errored) == (None, 0, 60, 60)


def test_without_a_report_it_stands_beside_its_like() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("gsm8k"),))
    report = DatasetReport("gsm8k", "GSM8K", "m", 2, (), 4, 4, 0, False, "v1", "rev", 4, "{question}", judge="umpire")
    settings = BenchmarkSettings("v1", "rev", 4, "{question}", judge="umpire")
    cut_off = replace(outcome(report=None, is_partial=True), settings=settings)
    whole_one = conditions_of(request, outcome(report=report), "accuracy")
    assert conditions_of(request, cut_off, "accuracy").key == whole_one.key
    assert whole_one.judge == "umpire"


def test_a_judge_that_was_not_asked_is_no_condition() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("gsm8k"),))
    offered = replace(request, judge_endpoint_id="ep-2")
    found = outcome(whole(0.5, 4))
    assert conditions_of(offered, found, "accuracy") == conditions_of(request, found, "accuracy")


def test_like_is_compared_with_like() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("gsm8k"),), sampling=Sampling(temperature=0.6, top_p=0.95))
    found = outcome(whole(0.5, 4))
    base = conditions_of(request, found, "accuracy")
    assert base.sampling == {"temperature": 0.6, "top_p": 0.95}
    same = replace(request, endpoint_id="ep-2", seed=1, batch_size=64, max_tokens=1, note="x", stream=False)
    assert conditions_of(same, found, "accuracy").key == base.key
    others = [
        conditions_of(replace(request, limit=Limit(count=50)), found, "accuracy"),
        conditions_of(replace(request, limit=Limit(share=0.1)), found, "accuracy"),
        conditions_of(replace(request, repeats=4), found, "accuracy"),
        conditions_of(replace(request, thinking=False), found, "accuracy"),
        conditions_of(replace(request, sampling=Sampling(temperature=0.0)), found, "accuracy"),
        conditions_of(request, replace(found, choice=DatasetChoice("gsm8k", few_shot=0)), "accuracy"),
        conditions_of(request, replace(found, choice=DatasetChoice("gsm8k", subsets=("main",))), "accuracy"),
        conditions_of(request, found, "exact_match"),
        conditions_of(request, replace(found, report=replace(found.report, revision="other")), "accuracy"),  # type: ignore[type-var]
    ]
    assert len({base.key, *(other.key for other in others)}) == len(others) + 1


def test_a_key_is_the_same_however_a_number_is_written() -> None:
    base = Conditions("gsm8k", None, "v1", "accuracy", (), "", 0, 1, {"temperature": 0.0, "top_k": 20})
    assert replace(base, sampling={"temperature": 0, "top_k": 20.0}).key == base.key
    assert records.loads(Conditions, records.dumps(Conditions, base)).key == base.key
    assert replace(base, sampling={"temperature": 0.0, "top_k": 21}).key != base.key


def test_questions_are_known_by_their_words() -> None:
    assert question_key(BASE) == question_key(replace(BASE, index=7, answer="other", score=0.0))
    assert question_key(BASE) != question_key(replace(BASE, gold="3"))
    assert 0 <= question_key(BASE) < 2**63


@pytest.mark.parametrize(
    ("texts", "start"),
    [
        (["Read this.\n\nOne?", "Read this.\n\nTwo?"], 12),
        (["What is 1?", "What is 2?"], 0),
        (["Same\n", "Same\n"], 5),
        (["alone"], 0),
        ([], 0),
    ],
)
def test_what_prompts_begin_with_alike(texts: list[str], start: int) -> None:
    assert common_start(texts) == start


def test_what_prompts_end_with_alike() -> None:
    texts = ["One?\nAnswer in one word.", "Two?\nAnswer in one word."]
    assert common_end(texts) == len("\nAnswer in one word.")
    assert snippet(texts[0], end=common_end(texts)) == "One?"
    assert common_end(["One word.", "Two word."]) == 0
    assert common_end(["alone"]) == 0
    assert snippet("all shared", start=4, end=9) == "all shared"


def test_snippets_are_one_short_line() -> None:
    assert snippet("Read this.\n\nOne  and\ntwo?", 12) == "One and two?"
    assert len(snippet("word " * 100)) <= 160


def test_the_headline_is_a_mean_of_all_or_nothing() -> None:
    scored, nothing = rows(outcome(whole(1.0, 1)), sample(0)), rows(outcome(report=None, is_partial=True))
    assert headline(scored, 1) == 1.0
    assert headline(scored, 2) is None, "the second is still to come"
    assert headline([*scored, *nothing], 2) is None
    assert headline([], 1) is None
