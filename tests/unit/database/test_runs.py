"""Runs, measurements and the history's pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event

from core.adapters.database.store import DatabaseStore
from core.domain.baseline import Baseline
from core.domain.benchmark import Engine, RequestCounts, RunHead, RunKind, RunState, tool_words
from core.domain.history import DailyRun, Facet, RunFilter, Shelf, TrendFigure
from core.domain.run_identity import workload_key
from core.errors import NotFoundError
from tests.fakes import samples


@pytest.fixture(autouse=True)
def endpoints(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    store.endpoints.add(samples.endpoint(id="ep-2", base_url="http://other:8000/v1"))


def add_runs(store: DatabaseStore, *changes: dict[str, object]) -> None:
    for number, change in enumerate(changes):
        at = samples.NOW + timedelta(minutes=number)
        store.runs.add(samples.run(**{"id": f"run-{number}", "created_at": at, **change}))


def test_a_run_comes_back_as_it_was(store: DatabaseStore) -> None:
    store.runs.add(samples.run())
    assert store.runs.get("run-1") == samples.run()


def test_a_list_names_what_was_to_measure_and_then_what_measured(store: DatabaseStore) -> None:
    store.runs.add(samples.run(provenance={"tool": "vllm-bench", "tool_version": None}))
    seen = [store.runs.rows(["run-1"])[0].tool]
    for repeat, (tool, version) in enumerate([("vllm-rs", "0.33.0"), ("vllm", "0.33.0"), ("vllm-rs", "0.33.0")]):
        store.runs.save_measurement("run-1", samples.measurement(repeat=repeat, tool=tool, tool_version=version))
        seen.append(store.runs.rows(["run-1"])[0].tool)
    both = "vllm 0.33.0, vllm-rs 0.33.0"
    assert seen == ["vllm-bench", "vllm-rs 0.33.0", both, both]
    assert both == tool_words(store.runs.get("run-1"), store.runs.measurements("run-1"))


def test_an_unknown_run(store: DatabaseStore) -> None:
    for act in (
        lambda: store.runs.get("x"),
        lambda: store.runs.set_state("x", RunState.FAILED),
        lambda: store.runs.merge_provenance("x", {}),
        lambda: store.runs.set_note("x", ""),
        lambda: store.runs.save_measurement("x", samples.measurement()),
    ):
        with pytest.raises(NotFoundError) as caught:
            act()
        assert caught.value.params == {"kind": "run", "id": "x"}


def test_states_keep_the_times_they_are_not_given(store: DatabaseStore) -> None:
    store.runs.add(samples.run())
    later = samples.NOW + timedelta(seconds=9)
    store.runs.set_state("run-1", RunState.PENDING, started_at=samples.NOW)
    store.runs.set_state("run-1", RunState.PARTIAL, ended_at=later)
    found = store.runs.get("run-1")
    assert (found.state, found.started_at, found.ended_at) == (RunState.PARTIAL, samples.NOW, later)
    store.runs.set_state("run-1", RunState.PENDING)
    resumed = store.runs.get("run-1")
    assert (resumed.started_at, resumed.ended_at) == (samples.NOW, None)


def test_provenance_grows(store: DatabaseStore) -> None:
    store.runs.add(samples.run())
    store.runs.merge_provenance("run-1", {"host": {"cpus": 2}, "product_version": "0.2.0"})
    assert store.runs.get("run-1").provenance == {
        "endpoint": {"base_url": "http://127.0.0.1:8000/v1"},
        "product_version": "0.2.0",
        "host": {"cpus": 2},
    }


def test_a_measurement_is_kept_once(store: DatabaseStore) -> None:
    store.runs.add(samples.run())
    first = samples.measurement(1)
    assert store.runs.save_measurement("run-1", first)
    assert not store.runs.save_measurement("run-1", replace(first, output_tokens_per_s=1e9))
    assert store.runs.save_measurement("run-1", samples.measurement(0, 1))
    assert store.runs.save_measurement("run-1", samples.measurement(0, 0))
    assert store.runs.measurements("run-1") == (samples.measurement(0, 0), samples.measurement(0, 1), first)
    assert store.runs.has_measurement("run-1", 1, 0)
    assert not store.runs.has_measurement("run-1", 1, 1)


def test_the_list_shows_the_best_figures_of_points_that_succeeded(store: DatabaseStore) -> None:
    store.runs.add(samples.run(workload=samples.workload((1, 16, 64))))
    empty = store.runs.page(0, 9).rows[0]
    assert (empty.points_done, empty.points_total, empty.best_output_tokens_per_s) == (0, 3, None)
    store.runs.save_measurement(
        "run-1", samples.measurement(0, ttft_ms=samples.distribution(50), output_tokens_per_s=9)
    )
    store.runs.save_measurement(
        "run-1", samples.measurement(1, ttft_ms=samples.distribution(80), output_tokens_per_s=99)
    )
    broken = samples.measurement(2, ttft_ms=None, output_tokens_per_s=0, requests=RequestCounts(0, 9, {"timeout": 9}))
    store.runs.save_measurement("run-1", broken)
    row = store.runs.page(0, 9).rows[0]
    assert (row.points_done, row.best_output_tokens_per_s, row.lowest_ttft_p50_ms) == (3, 99, 50)
    assert store.runs.measurements("run-1")[2] == broken


def test_pages_are_the_newest_first(store: DatabaseStore) -> None:
    add_runs(store, {}, {}, {}, {})
    page = store.runs.page(1, 2)
    assert ([row.id for row in page.rows], page.total, page.offset) == (["run-2", "run-1"], 4, 1)
    assert store.runs.page(9, 2).rows == ()


def test_runs_of_the_same_moment_have_a_fixed_order(store: DatabaseStore) -> None:
    add_runs(store, *[{"created_at": samples.NOW}] * 4)
    assert [store.runs.page(at, 1).rows[0].id for at in range(4)] == ["run-3", "run-2", "run-1", "run-0"]


def found(store: DatabaseStore, **filters: object) -> list[str]:
    page = store.runs.page(0, 10, RunFilter(**filters))  # type: ignore[arg-type]
    assert page.total == len(page.rows) == store.runs.count(RunFilter(**filters))  # type: ignore[arg-type]
    return [row.id for row in page.rows]


def test_words_are_found_in_whatever_a_run_says(store: DatabaseStore) -> None:
    add_runs(store, {"model": "Qwen3-8B"}, {"note": "After the DRIVER 100%"}, {"created_by": "李雷"})
    assert found(store, text="qwen3") == ["run-0"]
    assert found(store, text="driver after") == ["run-1"]
    assert found(store, text="李雷") == ["run-2"]
    assert found(store, text="0%") == ["run-1"]
    assert found(store, text="n_1") == []


def test_facets_narrow_together(store: DatabaseStore) -> None:
    told = {"platform": "va16", "profile": {"name": "tp32", "revision": "r1"}, "image": "vllm:1"}
    add_runs(
        store,
        {"model": "Qwen3-8B", "provenance": told, "created_by": "han"},
        {"endpoint_id": "ep-2", "provenance": told, "engine": Engine.VLLM_BENCH},
        {"tags": ("driver 550", "夜间")},
        {"workload": samples.workload(temperature=0.7)},
    )
    key = {row.id: row.workload_key for row in store.runs.page(0, 9).rows}
    assert key["run-0"] == key["run-2"] != key["run-3"]
    assert found(store, facets={Facet.PLATFORM: "va16"}) == ["run-1", "run-0"]
    assert found(store, facets={Facet.PROFILE: "tp32", Facet.MODEL: "tiny"}) == ["run-1"]
    assert found(store, facets={Facet.IMAGE: "vllm:1", Facet.ENGINE: "vllm-bench"}) == ["run-1"]
    assert found(store, facets={Facet.PERSON: "han"}) == ["run-0"]
    assert found(store, facets={Facet.WORKLOAD: key["run-3"]}) == ["run-3"]
    assert found(store, facets={Facet.TAG: "夜间"}) == found(store, facets={Facet.TAG: "driver 550"}) == ["run-2"]
    assert found(store, facets={Facet.TAG: "driver"}) == found(store, facets={Facet.TAG: "%"}) == []
    assert found(store, endpoint_id="ep-2") == ["run-1"]
    assert found(store, since=samples.NOW + timedelta(minutes=1), until=samples.NOW + timedelta(minutes=3)) == [
        "run-2",
        "run-1",
    ]
    assert found(store, run_ids=("run-3", "run-0")) == ["run-3", "run-0"]


def test_facets_offer_what_runs_had(store: DatabaseStore) -> None:
    add_runs(store, {"model": "Qwen3-8B", "tags": ("a",)}, {"provenance": {"platform": "va16"}})
    store.runs.merge_provenance("run-0", {"image": "vllm:1"})
    facets = store.runs.facets()
    assert [choice.value for choice in facets[Facet.MODEL]] == ["Qwen3-8B", "tiny"] == list(store.runs.models())
    assert [choice.label for choice in facets[Facet.WORKLOAD]] == ["128/128"]
    assert [choice.value for choice in facets[Facet.IMAGE]] == ["vllm:1"]
    assert Facet.PROFILE not in facets
    row = store.runs.rows(["run-0"])[0]
    assert row.image == "vllm:1"
    assert row.version_key in {choice.value for choice in facets[Facet.VERSION]}


def test_archived_runs_are_out_of_sight_and_come_back(store: DatabaseStore) -> None:
    add_runs(store, {}, {}, {})
    store.runs.archive(["run-0", "run-1"], samples.NOW)
    assert found(store) == ["run-2"]
    assert found(store, shelf=Shelf.ARCHIVED) == ["run-1", "run-0"]
    assert found(store, shelf=Shelf.ALL) == ["run-2", "run-1", "run-0"]
    with pytest.raises(NotFoundError):
        store.runs.archive(["run-0", "x"], None)
    assert found(store) == ["run-2"]
    store.runs.archive(["run-0"], None)
    assert store.runs.get("run-0").archived_at is None
    assert store.runs.get("run-1").archived_at == samples.NOW


def test_tags_come_and_go(store: DatabaseStore) -> None:
    add_runs(store, {"tags": ("old",)}, {})
    store.runs.retag(["run-0", "run-1"], add=["night"], remove=["old"])
    assert [row.tags for row in store.runs.page(0, 9).rows] == [("night",), ("night",)]
    assert found(store, text="night") == ["run-1", "run-0"]
    with pytest.raises(NotFoundError):
        store.runs.retag(["run-1", "x"], remove=["night"])
    assert store.runs.get("run-1").tags == ("night",)


def test_an_evaluation_is_a_run_of_another_kind(store: DatabaseStore) -> None:
    sweep = samples.run()
    store.runs.add(sweep)
    head = RunHead(
        **{name: getattr(sweep, name) for name in RunHead.__dataclass_fields__ if name not in _OF_AN_EVALUATION},
        **_OF_AN_EVALUATION,  # type: ignore[arg-type]
    )
    store.runs.add(head)
    store.runs.set_parts("run-eval", 1, 0.75)
    assert store.runs.head("run-eval") == head
    with pytest.raises(NotFoundError):
        store.runs.get("run-eval")
    (row,) = store.runs.page(0, 9, RunFilter(facets={Facet.KIND: "evaluation"})).rows
    assert (row.input_tokens, row.points_done, row.points_total, row.score) == (None, 1, 2, 0.75)
    assert (row.workload_key, row.workload_label) == ("gsm8k+ceval", "gsm8k, ceval")


_OF_AN_EVALUATION = {
    "id": "run-eval",
    "kind": RunKind.EVALUATION,
    "engine": "evalscope",
    "parts_total": 2,
    "workload_label": "gsm8k, ceval",
    "workload_key": "gsm8k+ceval",
}


def test_a_note_can_be_found(store: DatabaseStore) -> None:
    add_runs(store, {}, {})
    store.runs.set_note("run-0", "Warm-up was too SHORT")
    assert [row.id for row in store.runs.page(0, 10, RunFilter(text="short")).rows] == ["run-0"]
    assert store.runs.get("run-0").note == "Warm-up was too SHORT"


def plans_of(store: DatabaseStore) -> list[str]:
    """How SQLite goes about each query from now on."""
    seen: list[str] = []

    @event.listens_for(store._database._engine, "before_cursor_execute")
    def remember(
        connection: Connection, cursor: object, statement: str, values: tuple[object, ...], *_: object
    ) -> None:
        if statement.startswith(("SELECT", "WITH")):
            plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            seen.append(" ".join(str(step[-1]) for step in plan))

    return seen


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_every_other_query_of_the_history_goes_by_an_index(store: DatabaseStore) -> None:
    run = samples.run(id="run-0")
    store.runs.add(run)
    store.runs.save_measurement("run-0", samples.measurement())
    store.baselines.pin(Baseline(run.model, workload_key(run.workload), "128/128", "run-0", samples.NOW, "local"))
    key = (run.model, workload_key(run.workload))
    seen = plans_of(store)
    for ask, wanted in (
        (lambda: store.runs.points(["run-0", "run-1"]), "USING INDEX sqlite_autoindex_measurements_1 (run_id=?)"),
        (lambda: store.runs.facets(), "run_facets"),
        (lambda: store.runs.ids(RunFilter(text="x"), 9), "COVERING INDEX ix_runs_filters"),
        (lambda: store.runs.page(0, 9, RunFilter(endpoint_id="ep-1")), "INDEX ix_runs_endpoint_id_created_at_id"),
        (lambda: store.runs.page(0, 9, RunFilter(run_ids=("run-0",))), "sqlite_autoindex_runs_1 (id=?)"),
        (lambda: store.runs.rows(["run-0"]), "sqlite_autoindex_runs_1 (id=?)"),
        (lambda: store.runs.newest({key: "run-9"}), "COVERING INDEX ix_runs_filters"),
        (lambda: store.baselines.get(*key), "sqlite_autoindex_baselines_1 (model=? AND workload_key=?)"),
        (lambda: store.baselines.list(), "baselines"),
    ):
        seen.clear()
        ask()
        assert wanted in seen[0], seen
        assert [plan for plan in seen if "SCAN measurements" in plan or "SCAN runs" in plan.replace(COVERED, "")] == []


COVERED = "SCAN runs USING COVERING INDEX ix_runs_filters"


def test_the_newest_measured_run_beside_another(store: DatabaseStore) -> None:
    add_runs(store, {}, {}, {}, {"model": "other"}, {"workload": samples.workload(input_tokens=9)}, {})
    for run_id in ("run-0", "run-1", "run-2", "run-3", "run-4"):
        store.runs.save_measurement(run_id, samples.measurement())
    store.runs.archive(["run-2"], samples.NOW)
    key, alone = (samples.run().model, workload_key(samples.workload())), ("other", workload_key(samples.workload()))
    found = store.runs.newest({key: "run-0", alone: "run-3"})
    assert {at: row.id for at, row in found.items()} == {key: "run-1"}, "run-5 has measured nothing, run-2 is put away"
    assert store.runs.newest({}) == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "where",
    [
        RunFilter(),
        RunFilter(facets={Facet.MODEL: "x", Facet.PLATFORM: "y"}),
        RunFilter(facets={Facet.TAG: "x"}, shelf=Shelf.ARCHIVED),
        RunFilter(text="two words"),
        RunFilter(since=samples.NOW, until=samples.NOW),
    ],
)
def test_pages_walk_one_index_and_sort_nothing(store: DatabaseStore, where: RunFilter) -> None:
    seen = plans_of(store)
    store.runs.page(1000, 50, where)
    store.runs.count(where)
    assert len(seen) == 3
    assert [plan for plan in seen if "COVERING INDEX ix_runs_filters" not in plan] == []
    assert all("TEMP B-TREE" not in plan for plan in seen[1:])


@pytest.mark.parametrize("concurrency", [None, 16])
def test_the_middle_run_of_a_day_is_chosen_by_either_database(store: DatabaseStore, concurrency: int | None) -> None:
    add_runs(store, {}, {}, {}, {"created_at": samples.NOW + timedelta(days=3)})
    for number, rate in enumerate((300.0, 100.0, 200.0, 50.0)):
        store.runs.save_measurement(f"run-{number}", samples.measurement(output_tokens_per_s=rate))
    found = store.runs.daily(RunFilter(), TrendFigure.OUTPUT, concurrency, runs=9, days=9)
    assert found == (DailyRun("run-3", 50.0, 1), DailyRun("run-2", 200.0, 3))
