"""A PostgreSQL of the tests' own: a cluster in a folder, reached by a socket in it, gone with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.adapters.database.migrations import migrate
from tests.waiting import wait_for

OWNER = "seatrial"
_UNPRIVILEGED = "nobody"
_TEMPLATE = "migrated"
_BINARIES = Path("/usr/lib/postgresql")


@dataclass
class Cluster:
    """Databases by the dozen, each as a URL for SQLAlchemy."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def empty(self) -> str:
        """A new database with nothing in it."""
        return self._create("")

    def migrated(self) -> str:
        """A new results database, up to date: migrated once, then copied."""
        if not self._exists(_TEMPLATE):
            self._sql(f"CREATE DATABASE {_TEMPLATE}")
            migrate(self.url(_TEMPLATE))
        return self._create(f" TEMPLATE {_TEMPLATE}")

    def url(self, name: str, driver: str = "postgresql+psycopg") -> str:
        """Of a database of this cluster."""
        return f"{driver}://{OWNER}@/{name}?host={self.folder}"

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            return self._exists("postgres")
        except psycopg.OperationalError:
            return False

    def _create(self, how: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name}{how}")
        return self.url(name)

    def _exists(self, name: str) -> bool:
        return bool(self._sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def _sql(self, statement: str) -> list[Any]:
        connected = psycopg.connect(host=str(self.folder), user=OWNER, dbname="postgres", autocommit=True)
        with connected as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Fails, and does not skip, where PostgreSQL is not installed: who runs this has asked for it."""
    binaries = sorted(_BINARIES.glob("*/bin"))
    if not binaries:
        pytest.fail("PostgreSQL is not installed; run: make test-real")
    folder = Path(tempfile.mkdtemp(prefix="seatrial-pg-"))
    who: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, _UNPRIVILEGED)
        who |= {"user": _UNPRIVILEGED, "extra_groups": []}
    words = ["initdb", "-D", "data", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([binaries[-1] / words[0], *words[1:]], check=True, capture_output=True, **who)
    options = ["-D", "data", "-k", str(folder), "-h", "", "-F"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([binaries[-1] / "postgres", *options], stdout=log, stderr=log, **who)
    try:
        found = Cluster(folder)
        wait_for(lambda: server.poll() is not None or found.answers(), 30)
        assert server.poll() is None, (folder / "log").read_text()
        yield found
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nobody will miss what it held
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
