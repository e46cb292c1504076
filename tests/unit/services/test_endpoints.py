"""Attaching, keys and the server behind a URL."""

from __future__ import annotations

import pytest

from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.endpoint import KeyState, Origin
from core.errors import BadInput, NotAllowed, NotFoundError, PlanBlocked
from core.services.endpoints import EndpointService
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.endpoint_store import FakeEndpointStore
from tests.fakes.secrets import FakeSecrets

URL = "http://127.0.0.1:8000/v1"
VIEWER = Actor("vera", Role.VIEWER)


class World:
    """A service over fakes, with one server at URL."""

    def __init__(self, **server: object) -> None:
        self.clock = FakeClock()
        self.store = FakeEndpointStore()
        self.secrets = FakeSecrets()
        self.client = FakeEndpointClient(self.clock, {URL: FakeServer(**server)})  # type: ignore[arg-type]
        self.service = EndpointService(self.store, self.client, self.secrets, self.clock)


def test_an_open_server_is_attached_under_its_served_name() -> None:
    world = World()
    endpoint = world.service.attach(LOCAL_OPERATOR, "127.0.0.1:8000/", version_label=" W8A8 0.32 ")
    assert endpoint.name == endpoint.served_name == "tiny"
    assert endpoint.server_key == "address:127.0.0.1:8000"
    assert (endpoint.version_label, endpoint.version_verified) == ("W8A8 0.32", False)
    assert endpoint.key_ref is None
    assert endpoint.check is not None
    assert endpoint.check.usable
    assert world.service.list() == (endpoint,)


@pytest.fixture
def localhost_world() -> World:
    world = World()
    world.client.servers["http://localhost:8000/v1"] = FakeServer()
    return world


def test_two_spellings_of_one_server_share_its_key(localhost_world: World) -> None:
    first = localhost_world.service.attach(LOCAL_OPERATOR, URL)
    second = localhost_world.service.attach(LOCAL_OPERATOR, "localhost:8000")
    assert first.id != second.id
    assert first.server_key == second.server_key


def test_the_same_url_and_name_again_updates_it() -> None:
    world = World()
    first = world.service.attach(LOCAL_OPERATOR, URL, name="old", version_label="a")
    second = world.service.attach(LOCAL_OPERATOR, URL + "/", name="new")
    assert (second.id, second.name, second.version_label) == (first.id, "new", "a")
    assert len(world.service.list()) == 1


def test_the_key_is_kept_apart_from_the_endpoint() -> None:
    world = World(key="s3cret")
    endpoint = world.service.attach(LOCAL_OPERATOR, URL, key=" s3cret ")
    assert "s3cret" not in repr(endpoint)
    assert list(world.secrets.values.values()) == ["s3cret"]
    assert world.service.key_of(endpoint) == "s3cret"
    assert endpoint.check is not None
    assert endpoint.check.key_state is KeyState.ACCEPTED


def test_attaching_again_without_the_key_keeps_it() -> None:
    world = World(key="s3cret")
    world.service.attach(LOCAL_OPERATOR, URL, key="s3cret")
    again = world.service.attach(LOCAL_OPERATOR, URL, served_name="tiny", name="renamed")
    assert world.service.key_of(again) == "s3cret"


@pytest.mark.parametrize(
    ("url", "key", "served_name", "code", "field"),
    [
        ("127.0.0.1:9999", None, None, "endpoint_refused", "url"),
        (URL, None, None, "endpoint_key_missing", "key"),
        (URL, "wrong", None, "endpoint_key_refused", "key"),
        (URL, "right", "other", "endpoint_model_unknown", "served_name"),
    ],
)
def test_a_server_that_cannot_be_used_is_not_stored(
    url: str, key: str | None, served_name: str | None, code: str, field: str
) -> None:
    world = World(key="right")
    with pytest.raises(PlanBlocked) as raised:
        world.service.attach(LOCAL_OPERATOR, url, key=key, served_name=served_name)
    assert [(finding.code, finding.field) for finding in raised.value.findings] == [(code, field)]
    assert world.service.list() == ()
    assert world.secrets.values == {}


def test_a_note_beside_what_blocks_is_not_counted_as_blocking() -> None:
    with pytest.raises(PlanBlocked) as raised:
        World(simulated=True).service.attach(LOCAL_OPERATOR, URL, served_name="huge")
    assert [finding.code for finding in raised.value.findings] == ["endpoint_model_unknown", "endpoint_simulated"]
    assert raised.value.params == {"count": 1}


def test_a_bad_url_is_bad_input_beside_its_field() -> None:
    with pytest.raises(BadInput) as raised:
        World().service.check("ftp://host")
    assert (raised.value.code, raised.value.params) == ("url_not_http", {"field": "url", "scheme": "ftp"})


def test_a_check_stores_nothing() -> None:
    world = World()
    assert world.service.check(URL).served_name == "tiny"
    assert world.service.list() == ()


def test_a_simulated_server_says_so_whatever_it_was_attached_as() -> None:
    world = World(simulated=True)
    endpoint = world.service.attach(LOCAL_OPERATOR, URL, origin=Origin.DEPLOYED, deployment_id="d1")
    assert (endpoint.origin, endpoint.version_verified) == (Origin.SIMULATED, False)


def test_a_refresh_stores_bad_news_too() -> None:
    world = World()
    endpoint = world.service.attach(LOCAL_OPERATOR, URL)
    del world.client.servers[URL]
    world.clock.advance(60)
    world.service.refresh(endpoint.id)
    stored = world.service.get(endpoint.id)
    assert stored.check is not None
    assert not stored.check.reachable
    assert stored.check.checked_at == world.clock.now()


def test_a_key_can_be_replaced_and_forgotten() -> None:
    world = World(key="new")
    endpoint = world.service.attach(LOCAL_OPERATOR, URL, key="new")
    worse = world.service.set_key(LOCAL_OPERATOR, endpoint.id, "old")
    assert worse.check is not None
    assert worse.check.key_state is KeyState.REFUSED
    bare = world.service.set_key(LOCAL_OPERATOR, endpoint.id, None)
    assert (bare.key_ref, world.secrets.values) == (None, {})
    assert world.service.set_key(LOCAL_OPERATOR, endpoint.id, "new").key_ref is not None


def test_archived_ones_leave_the_list_and_come_back() -> None:
    world = World()
    endpoint = world.service.attach(LOCAL_OPERATOR, URL)
    world.service.archive(LOCAL_OPERATOR, endpoint.id)
    assert world.service.list() == ()
    assert len(world.service.list(include_archived=True)) == 1
    world.service.restore(LOCAL_OPERATOR, endpoint.id)
    assert len(world.service.list()) == 1
    world.service.archive(LOCAL_OPERATOR, endpoint.id)
    again = world.service.attach(LOCAL_OPERATOR, URL)
    assert (again.id, again.archived_at) == (endpoint.id, None)
    assert len(world.service.list()) == 1


def test_a_name_is_never_empty() -> None:
    world = World()
    endpoint = world.service.attach(LOCAL_OPERATOR, URL)
    assert world.service.rename(LOCAL_OPERATOR, endpoint.id, " gate ", "v2").name == "gate"
    with pytest.raises(BadInput) as raised:
        world.service.rename(LOCAL_OPERATOR, endpoint.id, "  ", "v2")
    assert raised.value.code == "name_empty"


def test_a_deployment_and_what_was_attached_at_its_address_are_one_server() -> None:
    world = World()
    world.client.servers["http://localhost:8000/v1"] = FakeServer()
    attached = world.service.attach(LOCAL_OPERATOR, "localhost:8000")
    deployed = world.service.attach(
        LOCAL_OPERATOR, URL, origin=Origin.DEPLOYED, server_key="container:e/c", deployment_id="d1"
    )
    assert deployed.version_verified
    assert world.service.get(attached.id).server_key == "container:e/c"
    assert world.service.refresh(attached.id).server_key == "container:e/c"
    by_hand = world.service.attach(LOCAL_OPERATOR, URL, name="again")
    assert (by_hand.id, by_hand.deployment_id, by_hand.origin) == (deployed.id, "d1", Origin.DEPLOYED)
    assert by_hand.server_key == "container:e/c"


def test_a_viewer_changes_nothing() -> None:
    world = World()
    endpoint = world.service.attach(LOCAL_OPERATOR, URL)
    service = world.service
    for act in (
        lambda: service.attach(VIEWER, URL),
        lambda: service.rename(VIEWER, endpoint.id, "x", ""),
        lambda: service.set_key(VIEWER, endpoint.id, "x"),
        lambda: service.archive(VIEWER, endpoint.id),
        lambda: service.restore(VIEWER, endpoint.id),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert service.list() == (endpoint,)


def test_an_unknown_id_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        World().service.refresh("ep-none")


def test_a_failed_trial_is_no_obstacle_where_failures_are_what_is_measured() -> None:
    world = World(trial_fails=True)
    with pytest.raises(PlanBlocked):
        world.service.attach(LOCAL_OPERATOR, URL)
    endpoint = world.service.attach(LOCAL_OPERATOR, URL, trial_may_fail=True)
    assert endpoint.check is not None
    assert not endpoint.check.usable
    with pytest.raises(PlanBlocked):
        world.service.attach(LOCAL_OPERATOR, URL, served_name="another", trial_may_fail=True)
