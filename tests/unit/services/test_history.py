"""The history over a real database: tags, archive, kept views, trends and what happened beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import RequestCounts
from core.domain.history import TAG_LIMIT, Facet, RunFilter, Shelf, Trend, TrendFigure, tag_of
from core.errors import NotAllowed, NotFoundError, RefusedError
from core.services.history import VIEW_LIMIT, HistoryService
from tests.fakes import samples
from tests.fakes.clock import FakeClock

VIEWER = Actor("han", Role.VIEWER)
ALL = RunFilter()


@pytest.fixture
def history(database: DatabaseStore) -> HistoryService:
    """Three runs, a minute apart, of two versions; the middle one measured twice."""
    database.endpoints.add(samples.endpoint())
    for number, (label, rates) in enumerate([("r1", (100.0,)), ("r1", (110.0, 130.0)), ("r2", (150.0,))]):
        at = samples.NOW + timedelta(minutes=number)
        database.runs.add(samples.run(id=f"run-{number}", version_label=label, created_at=at, job_id=None))
        for repeat, rate in enumerate(rates):
            for index, load in enumerate((1, 16)):
                found = samples.measurement(
                    index, repeat, concurrency=load, output_tokens_per_s=rate * load, ttft_ms=samples.distribution(rate)
                )
                database.runs.save_measurement(f"run-{number}", found)
    return HistoryService(database, FakeClock())


def values(trend: Trend) -> dict[str, float]:
    return {point.run_id: point.value for point in trend.points}


def test_whoever_may_only_look_changes_nothing(history: HistoryService) -> None:
    for act in (
        lambda: history.tag(VIEWER, ["run-0"], ["x"]),
        lambda: history.archive(VIEWER, ["run-0"]),
        lambda: history.restore(VIEWER, ["run-0"]),
        lambda: history.keep_view(VIEWER, "runs", "x", {}),
        lambda: history.put_view_away(VIEWER, "x"),
        lambda: history.annotate(VIEWER, samples.NOW, "x"),
        lambda: history.put_annotation_away(VIEWER, "x"),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert history.page(0, 9, ALL).total == 3


def test_tags_are_made_tidy(history: HistoryService) -> None:
    history.tag(LOCAL_OPERATOR, ["run-0", "run-1"], ["  Driver \t 550 "])
    assert [row.tags for row in history.page(0, 9, ALL).rows] == [(), ("driver 550",), ("driver 550",)]
    history.tag(LOCAL_OPERATOR, ["run-0"], (), ["DRIVER 550"])
    assert history.count(RunFilter(facets={Facet.TAG: "driver 550"})) == 1
    with pytest.raises(RefusedError) as caught:
        history.tag(LOCAL_OPERATOR, ["run-0"], ["  ,"])
    assert caught.value.code == "tag_empty"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Nightly", "nightly"),
        ('a"b\\c,d', "a b c d"),
        ("夜间\u0000测试", "夜间 测试"),
        ("x" * 99, "x" * TAG_LIMIT),
        (" ", ""),
    ],
)
def test_what_a_tag_keeps(typed: str, kept: str) -> None:
    assert tag_of(typed) == kept


def test_counts_and_choices_follow_what_is_written(history: HistoryService, database: DatabaseStore) -> None:
    assert history.count(ALL) == 3
    database.runs.add(samples.run(id="run-9", model="other", created_at=samples.NOW))
    assert history.count(ALL) == 4
    assert "other" in {choice.value for choice in history.choices()[Facet.MODEL]}
    history.archive(LOCAL_OPERATOR, ["run-9"])
    assert (history.count(ALL), history.count(RunFilter(shelf=Shelf.ARCHIVED))) == (3, 1)


def test_a_frozen_view_keeps_its_runs_in_its_order(history: HistoryService) -> None:
    view = history.keep_view(LOCAL_OPERATOR, "runs", "  Release  ", {}, ["run-0", "run-2"])
    history.archive(LOCAL_OPERATOR, ["run-0"])
    frozen = RunFilter(run_ids=history.view(view.id.lower()).run_ids, shelf=Shelf.ALL)
    assert [row.id for row in history.page(0, 9, frozen).rows] == ["run-0", "run-2"]
    first = history.page(0, 1, frozen)
    assert ([row.id for row in first.rows], first.total) == (["run-0"], 2)
    assert [row.id for row in history.page(0, 9, replace(frozen, text="r2")).rows] == ["run-2"]
    assert [row.id for row in history.newest(frozen)] == ["run-2", "run-0"]
    assert history.views("runs") == (view,)
    assert history.views("compare") == ()
    history.put_view_away(LOCAL_OPERATOR, view.id)
    assert history.views("runs") == ()
    assert history.view(view.id).title == "Release"


def test_views_that_cannot_be_kept(history: HistoryService) -> None:
    with pytest.raises(RefusedError) as untitled:
        history.keep_view(LOCAL_OPERATOR, "runs", " ", {})
    with pytest.raises(RefusedError) as too_long:
        history.keep_view(LOCAL_OPERATOR, "runs", "x", {}, [str(n) for n in range(VIEW_LIMIT + 1)])
    assert (untitled.value.code, too_long.value.code) == ("view_untitled", "view_too_long")
    with pytest.raises(NotFoundError):
        history.view("ZZZZZZ")
    with pytest.raises(NotFoundError):
        history.put_view_away(LOCAL_OPERATOR, "ZZZZZZ")


def test_a_trend_is_the_best_of_each_sweep_or_one_load(history: HistoryService) -> None:
    best = history.trend(ALL, TrendFigure.OUTPUT)
    assert values(best) == {"run-0": 1600, "run-1": 1920, "run-2": 2400}
    assert best.loads == (1, 16)
    assert best.points[1].repeats == 2
    assert values(history.trend(ALL, TrendFigure.OUTPUT, 1)) == {"run-0": 100, "run-1": 120, "run-2": 150}
    assert values(history.trend(ALL, TrendFigure.OUTPUT, 64)) == {}
    assert values(history.trend(ALL, TrendFigure.TTFT_P50)) == {"run-0": 100, "run-1": 120, "run-2": 150}
    assert len({point.version_key for point in best.points}) == 2


def test_a_point_that_failed_too_often_is_on_no_trend(history: HistoryService, database: DatabaseStore) -> None:
    broken = samples.measurement(2, concurrency=64, output_tokens_per_s=9e6, requests=RequestCounts(100, 92))
    database.runs.save_measurement("run-0", broken)
    assert values(history.trend(ALL, TrendFigure.OUTPUT))["run-0"] == 1600
    assert values(history.trend(ALL, TrendFigure.OUTPUT, 64)) == {}


def test_a_score_is_a_trend_too(history: HistoryService, database: DatabaseStore) -> None:
    assert values(history.trend(ALL, TrendFigure.SCORE)) == {}
    database.runs.set_parts("run-1", 2, 0.75)
    assert values(history.trend(ALL, TrendFigure.SCORE)) == {"run-1": 0.75}


@pytest.fixture
def long(history: HistoryService, database: DatabaseStore) -> HistoryService:
    """Two versions measured every hour of a week, with a point that failed too often beside each."""
    broken = samples.measurement(1, concurrency=64, output_tokens_per_s=9e9, requests=RequestCounts(100, 92))
    with database.atomic():
        for number in range(7 * 24):
            at = samples.NOW.replace(hour=0, minute=0) + timedelta(days=1, hours=number)
            for label in ("r1", "r2"):
                run_id = f"{label}-{number:03}"
                database.runs.add(samples.run(id=run_id, created_at=at, version_label=label, job_id=None))
                rate = 1000.0 + number % 24
                found = samples.measurement(output_tokens_per_s=rate, tpot_ms=samples.distribution(rate))
                database.runs.save_measurement(run_id, found)
                database.runs.save_measurement(run_id, broken)
    return history


@pytest.mark.parametrize(
    ("figure", "concurrency"),
    [(TrendFigure.OUTPUT, None), (TrendFigure.OUTPUT, 16), (TrendFigure.TPOT_P50, None)],
)
def test_a_long_history_is_a_trend_of_middle_runs_by_day_and_version(
    long: HistoryService, figure: TrendFigure, concurrency: int | None
) -> None:
    trend = long.trend(ALL, figure, concurrency)
    assert (trend.is_daily, trend.is_cut) == (True, False)
    late = [point for point in trend.points if point.runs == 24]
    assert len(late) == 2 * 7
    assert {point.value for point in late} == {1011.0}, "of two middle ones the lower"
    assert [point.at for point in trend.points] == sorted(point.at for point in trend.points)
    assert {point.run_id[-3:] for point in late} == {f"{24 * day + 11:03}" for day in range(7)}
    assert values(long.trend(ALL, figure, 64)) == {}, "too many failed there"


def test_a_trend_by_days_says_what_it_left_out(long: HistoryService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.history.DAILY_RUNS", 100)
    trend = long.trend(ALL, TrendFigure.OUTPUT)
    assert trend.is_cut
    assert sum(point.runs for point in trend.points) == 100


def test_annotations_concern_a_model_or_all(history: HistoryService) -> None:
    everywhere = history.annotate(LOCAL_OPERATOR, samples.NOW, " driver upgraded ")
    history.annotate(LOCAL_OPERATOR, samples.NOW + timedelta(1), "other weights", model="other")
    assert [note.text for note in history.annotations("tiny")] == ["driver upgraded"]
    assert [note.text for note in history.annotations()] == ["driver upgraded", "other weights"]
    trend = history.trend(RunFilter(facets={Facet.MODEL: "tiny"}), TrendFigure.OUTPUT)
    assert trend.annotations == (everywhere,)
    history.put_annotation_away(LOCAL_OPERATOR, everywhere.id)
    assert history.annotations("tiny") == ()
    with pytest.raises(NotFoundError):
        history.put_annotation_away(LOCAL_OPERATOR, "an-none")
    with pytest.raises(RefusedError):
        history.annotate(LOCAL_OPERATOR, samples.NOW, " ")
