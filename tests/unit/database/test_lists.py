"""What draws a list reads narrow rows: no raw file, no whole sample, no document is loaded for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import LargeBinary, event

from core.adapters.database.store import DatabaseStore
from core.adapters.database.tables import Base
from core.domain.evaluation_reading import SampleFilter
from core.domain.history import RunFilter
from tests.fakes import samples
from tests.fakes.simulated_runs import evaluated, sweep

HEAVY = {table.name for table in Base.metadata.tables.values() for c in table.c if isinstance(c.type, LargeBinary)}
WIDE = HEAVY | {"run_details", "measurements"}
LISTS: dict[str, Callable[[DatabaseStore], object]] = {
    "runs": lambda store: store.runs.page(0, 50),
    "runs found": lambda store: store.runs.page(0, 50, RunFilter(text="tiny")),
    "run rows": lambda store: store.runs.rows(["run-1"]),
    "run facets": lambda store: store.runs.facets(),
    "jobs": lambda store: store.jobs.page(0, 50),
    "jobs at work": lambda store: store.jobs.unfinished(),
    "endpoints": lambda store: store.endpoints.list(),
    "deployments": lambda store: store.deployments.list(),
    "baselines": lambda store: store.baselines.list(),
    "views": lambda store: store.views.list("runs"),
}
OF_ONE_RUN: dict[str, Callable[[DatabaseStore], object]] = {
    "artifacts": lambda store: store.artifacts.list("run-1"),
    "points": lambda store: store.runs.points(["run-1"]),
    "scores": lambda store: store.evaluations.scores("run-2"),
    "samples": lambda store: store.evaluations.samples("run-2", SampleFilter(), 0, 50),
    "standings": lambda store: store.evaluations.standings(),
    "speeds": lambda store: store.evaluations.speeds(),
}


@pytest.fixture(autouse=True)
def filled(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    sweep(store, "run-1", seed=1, concurrencies=(1,), requests=8)
    evaluated(store, "run-2", right=3, questions=4)
    store.jobs.add(samples.job())
    store.deployments.add(samples.deployment())


@contextmanager
def statements(store: DatabaseStore) -> Iterator[list[str]]:
    seen: list[str] = []

    def remember(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(store._database._engine, "before_cursor_execute", remember)
    yield seen
    event.remove(store._database._engine, "before_cursor_execute", remember)


def touched(seen: list[str], tables: set[str]) -> set[str]:
    return {table for table in tables for statement in seen if re.search(rf"\b{table}\b", statement)}


@pytest.mark.parametrize(("read", "left_alone"), [(LISTS, WIDE), (OF_ONE_RUN, HEAVY)], ids=["lists", "of one run"])
def test_nothing_heavy_is_loaded(
    store: DatabaseStore, read: dict[str, Callable[[DatabaseStore], object]], left_alone: set[str]
) -> None:
    for name, ask in read.items():
        with statements(store) as seen:
            ask(store)
        assert seen, name
        assert touched(seen, left_alone) == set(), name


def test_bytes_are_read_when_they_are_asked_for(store: DatabaseStore) -> None:
    assert {"blob_chunks", "evaluation_texts"} <= HEAVY
    (row,) = store.artifacts.list("run-1")
    with statements(store) as seen:
        assert sum(len(chunk) for chunk in store.artifacts.read(row.id)) == row.size_bytes
    assert "blob_chunks" in touched(seen, HEAVY)
