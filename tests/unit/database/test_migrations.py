"""Up from empty, and from every earlier revision; by several processes at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from core.adapters.database.connection import open_engine
from core.adapters.database.migrations import HEAD, configuration, current_revision, migrate
from core.adapters.database.store import DatabaseStore
from core.adapters.database.tables import Base
from core.errors import StoreError


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
def test_from_every_revision_to_head(tmp_path: Path, start: str | None) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = open_engine(url, 1, foreign_keys=False)
    if start is not None:
        with engine.execution_options(writes=True).begin() as connection:
            command.upgrade(configuration(connection), start)
    migrate(url)
    with engine.connect() as connection:
        assert current_revision(connection) == HEAD
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store = DatabaseStore(url)
    store.preferences.set("language", "zh")
    assert store.data_version() == 1


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    upgrade = command.upgrade

    def upgrade_then_fail(*arguments: Any) -> None:
        upgrade(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command, "upgrade", upgrade_then_fail)
    with pytest.raises(StoreError) as caught:
        migrate(url)
    assert caught.value.code == "disk_full"
    with open_engine(url, 1).connect() as connection:
        assert current_revision(connection) is None
    monkeypatch.undo()
    migrate(url)
    DatabaseStore(url).ping()


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


def test_processes_that_start_together_do_not_race(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'seatrial.db'}"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert DatabaseStore(url).data_version() == 0
