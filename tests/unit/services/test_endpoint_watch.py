"""Endpoints that begin or cease to answer without being asked by anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.services.endpoint_watch import EndpointWatch
from tests.deployment_world import World
from tests.fakes import samples
from tests.fakes.endpoint_client import FakeServer

URL = "http://10.0.0.5:8000/v1"


class Watched:
    """One attached endpoint that answers, and the watch."""

    def __init__(self, store: DatabaseStore, home: Path) -> None:
        self.world = World(store, home)
        self.world.client.servers[URL] = FakeServer()
        self.id = self.world.endpoints.attach(LOCAL_OPERATOR, URL).id
        self.watch = EndpointWatch(store, self.world.client, self.world.endpoints, self.world.service)
        self.world.client.checked_with.clear()

    def look(self, times: int = 1) -> bool:
        """Whether the endpoint reads as answering after so many looks."""
        for _ in range(times):
            self.watch.look()
        check = self.world.endpoints.get(self.id).check
        return check is not None and check.reachable

    @property
    def checks(self) -> int:
        return len(self.world.client.checked_with)


@pytest.fixture
def watched(database: DatabaseStore, tmp_path: Path) -> Watched:
    return Watched(database, tmp_path)


def test_one_that_ceases_to_answer_reads_so_at_the_second_look_and_comes_back_the_same_way(watched: Watched) -> None:
    server = watched.world.client.servers.pop(URL)
    assert watched.look(), "a server may be slow for a moment"
    assert not watched.look()
    watched.world.client.servers[URL] = server
    assert not watched.look()
    assert watched.look()


def test_where_all_is_as_it_was_nothing_is_asked_of_the_model_and_nothing_stored(
    watched: Watched, database: DatabaseStore
) -> None:
    version = database.data_version()
    assert watched.look(times=3)
    assert (watched.checks, database.data_version()) == (0, version)


def test_one_that_is_well_by_its_check_and_ill_by_its_health_is_checked_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched.world.client, "is_healthy", lambda *_: False)
    assert watched.look(times=5)
    assert watched.checks == 1


def test_a_server_that_is_measured_is_left_alone(watched: Watched, database: DatabaseStore) -> None:
    server_key = watched.world.endpoints.get(watched.id).server_key
    database.jobs.add(samples.job(server_key=server_key, run_id=None))
    watched.world.client.servers.clear()
    assert watched.look(times=3)


def test_a_deployment_that_is_stopped_is_left_alone(watched: Watched) -> None:
    deployment_id = watched.world.ready()
    watched.world.service.stop(LOCAL_OPERATOR, deployment_id)
    watched.world.client.checked_with.clear()
    (deployed,) = [one for one in watched.world.endpoints.list() if one.deployment_id == deployment_id]
    watched.world.client.servers.pop(deployed.base_url)
    watched.look(times=3)
    assert watched.checks == 0
