"""Runs, measurements and the history's pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.adapters.database.store import DatabaseStore
from core.domain.benchmark import RequestCounts, RunState
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


def test_filters(store: DatabaseStore) -> None:
    add_runs(
        store, {"model": "Qwen3-8B"}, {"endpoint_id": "ep-2"}, {"note": "After the DRIVER 100%"}, {"created_by": "李雷"}
    )

    def ids(**filters: str) -> list[str]:
        page = store.runs.page(0, 10, **filters)  # type: ignore[arg-type]
        assert page.total == len(page.rows)
        return [row.id for row in page.rows]

    assert ids(model="Qwen3-8B") == ["run-0"]
    assert ids(endpoint_id="ep-2") == ["run-1"]
    assert ids(text="qwen3") == ["run-0"]
    assert ids(text="driver after") == ["run-2"]
    assert ids(text="李雷") == ["run-3"]
    assert ids(text="0%") == ["run-2"]
    assert ids(text="n_1") == []
    assert ids(model="Qwen3-8B", endpoint_id="ep-2") == []
    assert store.runs.models() == ("Qwen3-8B", "tiny")


def test_a_note_can_be_found(store: DatabaseStore) -> None:
    add_runs(store, {}, {})
    store.runs.set_note("run-0", "Warm-up was too SHORT")
    assert [row.id for row in store.runs.page(0, 10, text="short").rows] == ["run-0"]
    assert store.runs.get("run-0").note == "Warm-up was too SHORT"


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("1 = 1", "ix_runs_created_at_id"),
        ("model = 'x'", "ix_runs_model_"),
        ("endpoint_id = 'x'", "ix_runs_endpoint_id_"),
    ],
)
def test_pages_walk_an_index(store: DatabaseStore, condition: str, index: str) -> None:
    query = f"SELECT id FROM runs WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT 50 OFFSET 1000"
    with store._database.read() as session:
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert f"USING COVERING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan
