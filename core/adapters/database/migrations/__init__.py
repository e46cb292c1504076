"""Brings a database up to date. Web and worker may start together: one of them migrates, the other waits."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from core.adapters.database.connection import open_engine, sqlite_file
from core.adapters.database.failures import translated
from core.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
"""The newest revision; a test holds it to the files in versions/."""

_WAIT_S = 60.0


def migrate(url: str) -> None:
    """Upgrades to HEAD; does nothing, fast, where the database is there already. Raises StoreError (store_newer:
    detail, where a newer version of Seatrial has written the database)."""
    with translated(), _locked(url):
        engine = open_engine(url, _WAIT_S, foreign_keys=False)
        try:
            _upgrade(engine)
        finally:
            engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's own, made here: there is no ini file."""
    from alembic.config import Config  # a quarter of a second that only a migration should pay

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(engine: Engine) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        revision = current_revision(connection)
        if revision == HEAD:
            return
        from alembic import command
        from alembic.script import ScriptDirectory

        config = configuration(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision is not None and revision not in known:
            raise StoreError("store_newer", detail=revision)
        command.upgrade(config, HEAD)


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """A kernel lock beside the SQLite file; it ends with its process. PostgreSQL's writers have a lock there."""
    file = sqlite_file(url)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
