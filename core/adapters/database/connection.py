"""Connections: SQLite in WAL, or PostgreSQL; short transactions, one writer at a time, a version that grows with every
write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from core.adapters.database.failures import translated
from core.adapters.database.tables import CounterTable
from core.errors import StoreError

DATA_VERSION = "data_version"
STANDINGS_VERSION = "standings_version"
_WRITER_KEY = 0x5EA7_121A  # PostgreSQL: any number that nothing else in the database uses


def sqlite_file(url: str) -> Path | None:
    """The file behind a SQLite URL; None for another database or one in memory. Raises StoreError
    (database_url_bad)."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        return None
    return Path(str(parsed.database))


def open_engine(url: str, busy_timeout_s: float, *, foreign_keys: bool = True) -> Engine:
    """An engine; a new SQLite file is made with mode 0600, since it holds password hashes. One that is there is not
    opened by us: closing it would drop the locks that SQLite holds on it in this process
    (https://www.sqlite.org/howtocorrupt.html, section 2.2). Migrations switch ``foreign_keys`` off, since SQLite
    changes a table by copying it."""
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = _engine(url, pool_pre_ping=file is None)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, busy_timeout_s, "ON" if foreign_keys else "OFF")
    elif engine.dialect.name == "postgresql":
        _prepare_postgresql(engine, busy_timeout_s)
    return engine


def _engine(url: str, *, pool_pre_ping: bool) -> Engine:
    """Raises StoreError (database_url_bad) where there is no such kind of database, or its driver is not installed.
    PostgreSQL's is psycopg, unless the URL says another."""
    parsed = _parsed(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return create_engine(parsed, pool_pre_ping=pool_pre_ping)
    except (ArgumentError, ImportError) as error:
        raise StoreError("database_url_bad", detail=f"{parsed.drivername}: {error}") from error


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise StoreError("database_url_bad", detail=str(error)) from error


def _prepare_sqlite(engine: Engine, busy_timeout_s: float, foreign_keys: str) -> None:
    """Write transactions take the lock when they begin: one that reads first and writes later would otherwise fail
    at once, without waiting, when another process wrote in between."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late; ours is below
        for pragma in (
            f"busy_timeout = {round(busy_timeout_s * 1000)}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            f"foreign_keys = {foreign_keys}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(engine: Engine, busy_timeout_s: float) -> None:
    """As SQLite behaves: one writer at a time, since stores look first and write then; and nobody waits for ever."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.execute(f"SET lock_timeout = {round(busy_timeout_s * 1000)}")
        connection.commit()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_KEY})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


class Database:
    """Sessions for the record stores. Inside ``write()`` every nested read and write joins that transaction."""

    def __init__(self, url: str, busy_timeout_s: float = 10.0) -> None:
        with translated():
            self._engine = open_engine(url, busy_timeout_s)
        self._writer = self._engine.execution_options(writes=True)
        self._current: ContextVar[Session | None] = ContextVar("current", default=None)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view of the database. Raises StoreError."""
        current = self._current.get()
        if current is not None:
            yield current
            return
        with translated(), Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self, *, counted: bool = True) -> Iterator[Session]:
        """One transaction, committed at the end, rolled back by any error. ``counted`` False is for live words
        (progress, heartbeats) that no cache keeps. Raises StoreError."""
        current = self._current.get()
        if current is not None:
            yield current
            return
        with translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            token = self._current.set(session)
            try:
                yield session
            finally:
                self._current.reset(token)
            session.flush()
            if counted:
                session.execute(_GROW, [{"name": name} for name in (DATA_VERSION, *sorted(_narrow(session)))])

    def ping(self) -> None:
        """Raises StoreError when the database does not answer."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def data_version(self) -> int:
        """How many counted writes there were."""
        return self.version(DATA_VERSION)

    def version(self, name: str) -> int:
        """How many counted writes were marked so."""
        with self.read() as session:
            return session.scalars(select(CounterTable.value).where(CounterTable.name == name)).one_or_none() or 0

    def close(self) -> None:
        """Gives every connection back."""
        self._engine.dispose()


_GROW = text(
    "INSERT INTO counters (name, value) VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
)


def mark(session: Session, name: str) -> None:
    """This write makes the version of that name grow, too: for what is dear to read and seldom changes."""
    _narrow(session).add(name)


def _narrow(session: Session) -> set[str]:
    found: set[str] = session.info.setdefault("narrow_versions", set())
    return found
