"""Accounts, sessions, attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.errors import BadInput, NameTaken, NotAllowed, NotFoundError, RefusedError
from core.services.access import PASSWORD_MINIMUM, SESSION_LENGTH, AccessService, require
from tests.fakes.account_store import FakeAccountStore
from tests.fakes.clock import FakeClock

VIEWER = Actor("vera", Role.VIEWER)
SECRET = "correct horse"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def accounts() -> FakeAccountStore:
    return FakeAccountStore()


@pytest.fixture
def access(accounts: FakeAccountStore, clock: FakeClock) -> AccessService:
    return AccessService(accounts, clock)


def test_a_viewer_reads_and_an_operator_does_all() -> None:
    require(LOCAL_OPERATOR, Role.OPERATOR)
    require(VIEWER, Role.VIEWER)
    with pytest.raises(NotAllowed) as refused:
        require(VIEWER, Role.OPERATOR)
    assert refused.value.params == {"name": "vera", "role": "operator"}


def test_the_right_password_opens_a_session_that_ends(access: AccessService, clock: FakeClock) -> None:
    access.add_user(LOCAL_OPERATOR, "Li", Role.OPERATOR, SECRET)
    opened = access.sign_in(" LI ", SECRET, "10.0.0.1")
    assert access.read(opened.id) == Actor("li", Role.OPERATOR)
    clock.advance(SESSION_LENGTH.total_seconds())
    assert access.read(opened.id) is None


def test_the_store_never_sees_a_password(access: AccessService, accounts: FakeAccountStore) -> None:
    access.add_user(LOCAL_OPERATOR, "li", Role.VIEWER, SECRET)
    found = accounts.get("li")
    assert found is not None
    assert found[1].startswith("$argon2id$")
    assert SECRET not in found[1]


@pytest.mark.parametrize("name", ["", "a", "-li", "li wei", "李", "x" * 65, "../li"])
def test_names_that_cannot_be_are_refused(access: AccessService, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        access.add_user(LOCAL_OPERATOR, name, Role.VIEWER, SECRET)
    assert refused.value.code == "name_bad"


def test_a_short_password_and_a_taken_name_are_refused(access: AccessService) -> None:
    with pytest.raises(BadInput) as refused:
        access.add_user(LOCAL_OPERATOR, "li", Role.VIEWER, "x" * (PASSWORD_MINIMUM - 1))
    assert refused.value.code == "password_short"
    access.add_user(LOCAL_OPERATOR, "li", Role.VIEWER, SECRET)
    with pytest.raises(NameTaken):
        access.add_user(LOCAL_OPERATOR, "LI", Role.VIEWER, SECRET)


@pytest.mark.parametrize("action", ["add_user", "set_role", "disable", "enable", "set_password"])
def test_a_viewer_changes_nobody(access: AccessService, action: str) -> None:
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    arguments = {
        "add_user": ("new", Role.VIEWER, SECRET),
        "set_role": ("li", Role.VIEWER),
        "set_password": ("li", SECRET),
    }
    with pytest.raises(NotAllowed):
        getattr(access, action)(VIEWER, *arguments.get(action, ("li",)))


def test_a_viewer_may_set_their_own_password(access: AccessService) -> None:
    access.add_user(LOCAL_OPERATOR, "vera", Role.VIEWER, SECRET)
    opened = access.sign_in("vera", SECRET, "10.0.0.1")
    access.set_password(VIEWER, "vera", "another secret")
    assert access.read(opened.id) is None
    assert access.sign_in("vera", "another secret", "10.0.0.1").name == "vera"


def test_disabling_ends_sessions_and_refuses_new_ones_until_enabled(access: AccessService) -> None:
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    access.add_user(LOCAL_OPERATOR, "vera", Role.VIEWER, SECRET)
    opened = access.sign_in("vera", SECRET, "10.0.0.1")
    access.disable(LOCAL_OPERATOR, "vera")
    assert access.read(opened.id) is None
    with pytest.raises(RefusedError, match="sign_in_failed"):
        access.sign_in("vera", SECRET, "10.0.0.1")
    access.enable(LOCAL_OPERATOR, "vera")
    assert access.sign_in("vera", SECRET, "10.0.0.1").name == "vera"


def test_the_last_operator_stays(access: AccessService) -> None:
    assert not access.has_operator()
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    assert access.has_operator()
    for change in (
        lambda: access.disable(LOCAL_OPERATOR, "li"),
        lambda: access.set_role(LOCAL_OPERATOR, "li", Role.VIEWER),
    ):
        with pytest.raises(RefusedError, match="last_operator"):
            change()
    access.add_user(LOCAL_OPERATOR, "wu", Role.OPERATOR, SECRET)
    access.set_role(LOCAL_OPERATOR, "li", Role.VIEWER)
    assert access.has_operator()


def test_a_role_change_counts_in_sessions_that_are_open(access: AccessService) -> None:
    access.add_user(LOCAL_OPERATOR, "vera", Role.VIEWER, SECRET)
    opened = access.sign_in("vera", SECRET, "10.0.0.1")
    access.set_role(LOCAL_OPERATOR, "vera", Role.OPERATOR)
    assert access.read(opened.id) == Actor("vera", Role.OPERATOR)
    access.sign_out(opened.id)
    assert access.read(opened.id) is None


def test_nobody_can_tell_an_unknown_name_from_a_wrong_password(access: AccessService) -> None:
    access.add_user(LOCAL_OPERATOR, "li", Role.VIEWER, SECRET)
    for name in ("li", "nobody"):
        with pytest.raises(RefusedError) as refused:
            access.sign_in(name, "wrong", "10.0.0.1")
        assert (refused.value.code, refused.value.params) == ("sign_in_failed", {})


def test_an_account_that_is_not_there_is_said_so(access: AccessService) -> None:
    with pytest.raises(NotFoundError):
        access.set_role(LOCAL_OPERATOR, "nobody", Role.VIEWER)


def test_after_five_failures_even_the_right_password_waits(access: AccessService, clock: FakeClock) -> None:
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    for _ in range(5):
        with pytest.raises(RefusedError, match="sign_in_failed"):
            access.sign_in("li", "wrong", "10.0.0.1")
    with pytest.raises(RefusedError) as refused:
        access.sign_in("li", SECRET, "10.0.0.1")
    assert (refused.value.code, refused.value.params) == ("sign_in_limited", {"wait_s": 900})
    assert access.sign_in("li", SECRET, "10.0.0.2").name == "li", "another address is not locked out"
    clock.advance(timedelta(minutes=15).total_seconds())
    assert access.sign_in("li", SECRET, "10.0.0.1").name == "li"
