"""Health and readiness: what a supervisor reads off them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.errors import StoreError
from ui import session
from ui.routes import ROUTES


def down() -> bool:
    raise StoreError("store_error", detail="could not connect")


def nothing() -> None:
    return None


@pytest.fixture(autouse=True)
def own_core() -> Iterator[None]:
    yield
    session.install(None)


@pytest.mark.parametrize(
    ("ping", "worker_alive", "status", "told"),
    [
        (nothing, lambda: True, 200, {"ready": True, "database": True, "worker": True}),
        (nothing, lambda: False, 503, {"ready": False, "database": True, "worker": False}),
        (down, lambda: True, 503, {"ready": False, "database": False, "worker": False}),
        (nothing, down, 503, {"ready": False, "database": False, "worker": False}),
    ],
)
def test_ready_is_a_database_that_answers_and_a_worker_that_beats(
    ping: Callable[[], None], worker_alive: Callable[[], bool], status: int, told: dict[str, bool]
) -> None:
    core = SimpleNamespace(store=SimpleNamespace(ping=ping), jobs=SimpleNamespace(worker_alive=worker_alive))
    session.install(cast(Any, core))
    client = TestClient(Starlette(routes=list(ROUTES)))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (status, told)
    assert client.get("/healthz").status_code == 200, "alive all the same"
