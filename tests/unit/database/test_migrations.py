"""Up from empty, and from every earlier revision; by several processes at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from core.adapters.database.connection import open_engine
from core.adapters.database.migrations import HEAD, configuration, current_revision, migrate
from core.adapters.database.store import DatabaseStore
from core.adapters.database.tables import Base
from core.domain.benchmark import tool_words
from core.domain.history import Facet
from core.errors import StoreError
from core.formats import records
from tests.fakes import samples


def revisions() -> list[str]:
    """The oldest first."""
    scripts = ScriptDirectory.from_config(configuration()).walk_revisions()
    return [script.revision for script in reversed(list(scripts))]


def test_head_is_the_newest_file() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [HEAD]


def test_the_migrated_tables_are_the_declared_ones(url: str) -> None:
    with open_engine(url, 1).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("start", [None, *revisions()])
def test_from_every_revision_to_head(empty_url: str, start: str | None) -> None:
    engine = open_engine(empty_url, 1, foreign_keys=False)
    if start is not None:
        with engine.execution_options(writes=True).begin() as connection:
            command.upgrade(configuration(connection), start)
    migrate(empty_url)
    with engine.connect() as connection:
        assert current_revision(connection) == HEAD
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store = DatabaseStore(empty_url)
    store.preferences.set("language", "zh")
    assert store.data_version() == 1


def test_runs_from_before_the_history_are_found_by_its_filters(empty_url: str) -> None:
    with open_engine(empty_url, 1, foreign_keys=False).execution_options(writes=True).begin() as connection:
        command.upgrade(configuration(connection), "0001")
        _insert(connection, "endpoints", samples.endpoint(), drop={"check"})
        run = samples.run(provenance={"container_spec": {"image": "vllm:1"}})
        figures = {"best_output_tokens_per_s": None, "lowest_ttft_p50_ms": None}
        _insert(connection, "runs", run, points_done=0, points_total=2, input_tokens=128, output_tokens=128, **figures)
        _insert(connection, "run_details", run, run_id=run.id)
    migrate(empty_url)
    store = DatabaseStore(empty_url)
    (old,) = store.runs.page(0, 9).rows
    assert store.runs.get("run-1") == run
    store.runs.add(replace(run, id="run-2"))
    new = store.runs.rows(["run-2"])[0]
    assert (old.version_key, old.workload_key, old.image) == (new.version_key, new.workload_key, "vllm:1")
    assert {facet: len(choices) for facet, choices in store.runs.facets().items()} == dict.fromkeys(
        (Facet.MODEL, Facet.VERSION, Facet.IMAGE, Facet.WORKLOAD, Facet.ENGINE, Facet.KIND, Facet.PERSON), 1
    )


def test_runs_from_before_say_what_measured_them(empty_url: str) -> None:
    told = {"tool": "evalscope", "tool_version": "1.14.0"}
    with open_engine(empty_url, 1, foreign_keys=False).execution_options(writes=True).begin() as connection:
        command.upgrade(configuration(connection), "0010")
        _insert(connection, "endpoints", samples.endpoint(), drop={"check"})
        for run in (samples.run(provenance=told), samples.run(id="run-2", provenance={"tool": "vllm-bench"})):
            columns = {"points_done": 0, "points_total": 2, "workload_key": "", "workload_label": ""}
            _insert(connection, "runs", run, drop=_UNKNOWN, **columns)
            _insert(connection, "run_details", run, run_id=run.id)
        for repeat, version in enumerate(["0.33.0", "unknown"]):
            point = samples.measurement(tool="vllm", tool_version=version, repeat=repeat)
            columns = {"run_id": "run-2", "document": point, "succeeded": 192, "failed": 0}
            _insert(connection, "measurements", point, drop=_FIGURES, **columns)
    migrate(empty_url)
    store = DatabaseStore(empty_url)
    tools = [row.tool for row in store.runs.rows(["run-1", "run-2"])]
    assert tools == ["evalscope 1.14.0", tool_words(store.runs.get("run-2"), store.runs.measurements("run-2"))]
    assert tools[1] == "vllm, vllm 0.33.0"


_UNKNOWN = {"input_tokens", "output_tokens", "best_output_tokens_per_s", "lowest_ttft_p50_ms", "score"}
_FIGURES = {f"{name}_{kind}_ms" for name in ("ttft", "tpot", "itl", "e2el") for kind in ("mean", "p50", "p99")}


def _insert(
    connection: Connection, table: str, record: object, drop: frozenset[str] | set[str] = frozenset(), **more: object
) -> None:
    """A row of an old table: the record's fields of that name, objects as JSON."""
    columns = [column["name"] for column in inspect(connection).get_columns(table)]
    values = {name: getattr(record, name, "") for name in columns if name not in drop} | more
    plain = {
        name: records.dumps(type(value), value) if is_dataclass(value) or isinstance(value, tuple | dict) else value
        for name, value in values.items()
    }
    names = ", ".join(f'"{name}"' for name in plain)
    marks = ", ".join(f":{name}" for name in plain)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), plain)


def test_a_failing_migration_leaves_nothing_behind(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = command.upgrade

    def upgrade_then_fail(*arguments: Any) -> None:
        upgrade(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command, "upgrade", upgrade_then_fail)
    with pytest.raises(StoreError) as caught:
        migrate(empty_url)
    assert caught.value.code == "disk_full"
    with open_engine(empty_url, 1).connect() as connection:
        assert current_revision(connection) is None
    monkeypatch.undo()
    migrate(empty_url)
    DatabaseStore(empty_url).ping()


def test_a_newer_database_is_refused_by_name(url: str) -> None:
    with open_engine(url, 1).execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError) as caught:
        migrate(url)
    assert (caught.value.code, caught.value.params) == ("store_newer", {"detail": "9999"})


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"<html>" * 1000)
    with pytest.raises(StoreError) as caught:
        migrate(f"sqlite:///{tmp_path / 'x.db'}")
    assert caught.value.code == "store_error"
    assert "not a database" in str(caught.value.params["detail"])


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        migrate(f"sqlite:///{tmp_path / 'file' / 'seatrial.db'}")


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        migrate(f"sqlite:///{tmp_path / 'seatrial.db'}")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "seatrial.db").stat().st_mode) == 0o600


def test_processes_that_start_together_do_not_race(empty_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate, args=(empty_url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert DatabaseStore(empty_url).data_version() == 0
