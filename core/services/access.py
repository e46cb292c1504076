"""Who may sign in, and what they may do: accounts, passwords, sessions, attempts."""

from __future__ import annotations

import re
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.domain.access import Account, Actor, Role
from core.errors import BadInput, NotAllowed, NotFoundError, RefusedError
from core.ports import AccountStore, Clock

SESSION_LENGTH = timedelta(days=7)
PASSWORD_MINIMUM = 10
_REMEMBERED = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}")
# OWASP's second choice for Argon2id: 19 MiB, so that a few sign-ins at once stay small beside the pages.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def require(actor: Actor, role: Role) -> None:
    """The first line of everything that changes something. Raises NotAllowed."""
    if not actor.role.covers(role):
        raise NotAllowed(name=actor.name, role=role.value)


@dataclass(frozen=True)
class Session:
    """A sign-in. ``id`` names a row; the cookie that carries it is signed (ui/gate.py)."""

    id: str
    name: str
    expires_at: datetime


class AccessService:
    """Accounts and sessions. A name is compared without case; a disabled account keeps its runs and cannot sign in."""

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._attempts = Attempts(clock.now)

    # ------------------------------------------------------------ accounts

    def list_users(self) -> tuple[Account, ...]:
        """Everybody, by name."""
        return tuple(sorted(self._accounts.list(), key=lambda account: account.name))

    def has_operator(self) -> bool:
        """Whether an operator could sign in: until then the app listens on loopback only."""
        return bool(self._operators())

    def add_user(self, actor: Actor, name: str, role: Role, password: str) -> None:
        """Raises NotAllowed, BadInput (name_bad: value; password_short: minimum), NameTaken."""
        require(actor, Role.OPERATOR)
        clean = name.strip().lower()
        if not _NAME.fullmatch(clean):
            raise BadInput("name_bad", field="name", value=name)
        self._accounts.add(clean, role, _hash(password), self._clock.now())

    def set_role(self, actor: Actor, name: str, role: Role) -> None:
        """Raises NotAllowed, NotFoundError, RefusedError (last_operator: name)."""
        require(actor, Role.OPERATOR)
        account = self._account(name)
        if role is not Role.OPERATOR:
            self._keep_an_operator(account)
        self._accounts.set_role(account.name, role)

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Ends every session of the account. Operators may change anybody's, a viewer their own. Raises NotAllowed,
        NotFoundError, BadInput (password_short)."""
        account = self._account(name)
        if actor.name != account.name:
            require(actor, Role.OPERATOR)
        self._accounts.set_password(account.name, _hash(password))
        self._accounts.close_sessions_of(account.name)

    def disable(self, actor: Actor, name: str) -> None:
        """Ends every session of the account. Raises NotAllowed, NotFoundError, RefusedError (last_operator)."""
        require(actor, Role.OPERATOR)
        account = self._account(name)
        self._keep_an_operator(account)
        self._accounts.set_disabled(account.name, self._clock.now())
        self._accounts.close_sessions_of(account.name)

    def enable(self, actor: Actor, name: str) -> None:
        """Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        self._accounts.set_disabled(self._account(name).name, None)

    # ------------------------------------------------------------ sessions

    def sign_in(self, name: str, password: str, client_ip: str) -> Session:
        """Raises RefusedError: sign_in_failed, which never says whether the name exists; sign_in_limited (wait_s)."""
        clean = name.strip().lower()
        self._attempts.check(clean, client_ip)
        found = self._accounts.get(clean)
        right = _matches(found[1] if found else _nobodys_hash(), password)
        if not right or found is None or found[0].disabled_at is not None:
            self._attempts.failed(clean, client_ip)
            raise RefusedError("sign_in_failed")
        self._attempts.forget(clean, client_ip)
        session = Session(secrets.token_urlsafe(24), clean, self._clock.now() + SESSION_LENGTH)
        self._accounts.open_session(session.id, clean, session.expires_at)
        return session

    def read(self, session_id: str) -> Actor | None:
        """Who a session belongs to now; None once it is over, revoked or its account disabled."""
        found = self._accounts.session(session_id)
        if found is None:
            return None
        account, expires_at = found
        if account.disabled_at is not None or expires_at <= self._clock.now():
            return None
        return Actor(account.name, account.role)

    def sign_out(self, session_id: str) -> None:
        """Nothing happens where it is over already."""
        self._accounts.close_session(session_id)

    # ------------------------------------------------------------ inside

    def _account(self, name: str) -> Account:
        found = self._accounts.get(name.strip().lower())
        if found is None:
            raise NotFoundError(kind="account", id=name)
        return found[0]

    def _operators(self) -> list[str]:
        accounts = self._accounts.list()
        return [one.name for one in accounts if one.role is Role.OPERATOR and one.disabled_at is None]

    def _keep_an_operator(self, account: Account) -> None:
        if self._operators() == [account.name]:
            raise RefusedError("last_operator", name=account.name)


class Attempts:
    """Failed sign-ins of the last quarter of an hour, in memory: five for a name from one address, then a wait; more
    for an address, and for a name, so that neither many names nor many addresses get round it."""

    WINDOW = timedelta(minutes=15)

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failures: dict[tuple[str, ...], deque[datetime]] = {}
        self._lock = threading.Lock()

    def check(self, name: str, client_ip: str) -> None:
        """Raises RefusedError (sign_in_limited: wait_s)."""
        with self._lock:
            waits = [self._wait_s(key, limit) for key, limit in _limits(name, client_ip)]
        if max(waits) > 0:
            raise RefusedError("sign_in_limited", wait_s=max(waits))

    def failed(self, name: str, client_ip: str) -> None:
        """Counts one."""
        with self._lock:
            for key, _ in _limits(name, client_ip):
                self._failures.setdefault(key, deque(maxlen=60)).append(self._now())
            if len(self._failures) > _REMEMBERED:
                self._drop_old()

    def forget(self, name: str, client_ip: str) -> None:
        """Somebody proved who they are."""
        with self._lock:
            self._failures.pop((name, client_ip), None)
            self._drop_old()

    def _wait_s(self, key: tuple[str, ...], limit: int) -> int:
        times, since = self._failures.get(key, deque()), self._now() - self.WINDOW
        recent = [at for at in times if at > since]
        if len(recent) < limit:
            return 0
        return max(1, round((recent[-limit] - since).total_seconds()))

    def _drop_old(self) -> None:
        since = self._now() - self.WINDOW
        self._failures = {key: times for key, times in self._failures.items() if times[-1] > since}


def _limits(name: str, client_ip: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    return ((name, client_ip), 5), (("address", client_ip, ""), 30), (("name", name, ""), 60)


def _hash(password: str) -> str:
    if len(password) < PASSWORD_MINIMUM:
        raise BadInput("password_short", field="password", minimum=PASSWORD_MINIMUM)
    return _HASHER.hash(password)


@cache
def _nobodys_hash() -> str:
    """An unknown name takes as long as a wrong password."""
    return _HASHER.hash(secrets.token_urlsafe(24))


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
