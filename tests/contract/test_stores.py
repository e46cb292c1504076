"""Endpoint and account stores and secrets: the fakes and the database answer alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore
from core.adapters.secrets import EncryptedSecrets
from core.domain.access import Account, Role
from core.errors import NameTaken, NotFoundError
from core.ports import AccountStore, EndpointStore, Secrets
from tests.fakes import samples
from tests.fakes.account_store import FakeAccountStore
from tests.fakes.endpoint_store import FakeEndpointStore
from tests.fakes.secrets import FakeSecrets

if TYPE_CHECKING:
    from tests.postgresql import Cluster

LATER = samples.NOW + timedelta(days=1)


@dataclass(frozen=True)
class Stores:
    endpoints: EndpointStore
    accounts: AccountStore
    secrets: Secrets


@pytest.fixture(params=["fake", "database", pytest.param("postgresql", marks=pytest.mark.real)])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    if request.param == "fake":
        yield Stores(FakeEndpointStore(), FakeAccountStore(), FakeSecrets())
        return
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.migrated()
    else:
        url = f"sqlite:///{tmp_path / 'seatrial.db'}"
        migrate(url)
    store = DatabaseStore(url)
    yield Stores(store.endpoints, store.accounts, EncryptedSecrets(store.tokens, tmp_path))
    store.close()


def test_an_endpoint_comes_back_as_it_was(stores: Stores) -> None:
    stores.endpoints.add(samples.endpoint())
    assert stores.endpoints.get("ep-1") == samples.endpoint()
    assert stores.endpoints.find("http://127.0.0.1:8000/v1", "tiny") == samples.endpoint()
    assert stores.endpoints.find("http://127.0.0.1:8000/v1", "other") is None


def test_an_update_leaves_check_and_archive_mark_alone(stores: Stores) -> None:
    stores.endpoints.add(samples.endpoint())
    stores.endpoints.archive("ep-1", LATER)
    stores.endpoints.update(samples.endpoint(name="renamed", key_ref="endpoint/ep-1", check=None))
    found = stores.endpoints.get("ep-1")
    assert found == samples.endpoint(name="renamed", key_ref="endpoint/ep-1", archived_at=LATER)


def test_a_check_replaces_the_last_one(stores: Stores) -> None:
    stores.endpoints.add(samples.endpoint(check=None))
    assert stores.endpoints.get("ep-1").check is None
    before = samples.endpoint().check
    assert before is not None
    for check in (before, replace(before, checked_at=LATER, reachable=False, served_models=(), latency_ms=1.5)):
        stores.endpoints.save_check("ep-1", check)
        assert stores.endpoints.get("ep-1").check == check


def test_archived_endpoints_are_listed_on_request_and_still_found(stores: Stores) -> None:
    stores.endpoints.add(samples.endpoint())
    stores.endpoints.add(samples.endpoint(id="ep-2", served_name="b", created_at=LATER))
    stores.endpoints.archive("ep-1", LATER)
    assert [one.id for one in stores.endpoints.list()] == ["ep-2"]
    assert [one.id for one in stores.endpoints.list(include_archived=True)] == ["ep-1", "ep-2"]
    found = stores.endpoints.find("http://127.0.0.1:8000/v1", "tiny")
    assert found is not None
    assert found.archived_at == LATER
    stores.endpoints.archive("ep-1", None)
    assert [one.id for one in stores.endpoints.list()] == ["ep-1", "ep-2"]


def test_an_unknown_endpoint(stores: Stores) -> None:
    check = samples.endpoint().check
    assert check is not None
    for act in (
        lambda: stores.endpoints.get("x"),
        lambda: stores.endpoints.update(samples.endpoint(id="x")),
        lambda: stores.endpoints.save_check("x", check),
        lambda: stores.endpoints.archive("x", None),
    ):
        with pytest.raises(NotFoundError):
            act()


def test_accounts(stores: Stores) -> None:
    stores.accounts.add("li", Role.VIEWER, "hash-1", samples.NOW)
    with pytest.raises(NameTaken):
        stores.accounts.add("li", Role.OPERATOR, "hash-2", LATER)
    assert stores.accounts.get("li") == (Account("li", Role.VIEWER, samples.NOW), "hash-1")
    assert stores.accounts.get("lu") is None
    stores.accounts.set_role("li", Role.OPERATOR)
    stores.accounts.set_password("li", "hash-3")
    stores.accounts.set_disabled("li", LATER)
    assert stores.accounts.get("li") == (Account("li", Role.OPERATOR, samples.NOW, LATER), "hash-3")
    assert stores.accounts.list() == (Account("li", Role.OPERATOR, samples.NOW, LATER),)


def test_sessions_show_the_account_as_it_is_now(stores: Stores) -> None:
    for name in ("li", "han"):
        stores.accounts.add(name, Role.VIEWER, "hash", samples.NOW)
    for session_id, name in (("s-1", "li"), ("s-2", "li"), ("s-3", "han")):
        stores.accounts.open_session(session_id, name, LATER)
    stores.accounts.set_role("li", Role.OPERATOR)
    assert stores.accounts.session("s-1") == (Account("li", Role.OPERATOR, samples.NOW), LATER)
    stores.accounts.close_session("s-1")
    stores.accounts.close_session("s-1")
    assert stores.accounts.session("s-1") is None
    stores.accounts.close_sessions_of("li")
    assert stores.accounts.session("s-2") is None
    assert stores.accounts.session("s-3") is not None


def test_secrets(stores: Stores) -> None:
    assert stores.secrets.get("a") is None
    stores.secrets.put("a", "sk-1")
    stores.secrets.put("a", "sk-2 密钥")
    assert stores.secrets.get("a") == "sk-2 密钥"
    stores.secrets.delete("a")
    stores.secrets.delete("a")
    assert stores.secrets.get("a") is None
