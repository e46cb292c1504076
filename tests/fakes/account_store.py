"""Accounts and sessions in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.domain.access import Account, Role
from core.errors import NameTaken


class FakeAccountStore:
    """Keeps what it is told, as the database does: expiry is for the reader to judge."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[Account, str]] = {}
        self._sessions: dict[str, tuple[str, datetime]] = {}

    def add(self, name: str, role: Role, password_hash: str, at: datetime) -> None:
        if name in self._accounts:
            raise NameTaken(name=name)
        self._accounts[name] = (Account(name, role, at), password_hash)

    def list(self) -> tuple[Account, ...]:
        return tuple(account for account, _ in self._accounts.values())

    def get(self, name: str) -> tuple[Account, str] | None:
        return self._accounts.get(name)

    def set_role(self, name: str, role: Role) -> None:
        self._change(name, role=role)

    def set_password(self, name: str, password_hash: str) -> None:
        self._accounts[name] = (self._accounts[name][0], password_hash)

    def set_disabled(self, name: str, at: datetime | None) -> None:
        self._change(name, disabled_at=at)

    def open_session(self, session_id: str, name: str, expires_at: datetime) -> None:
        self._sessions[session_id] = (name, expires_at)

    def session(self, session_id: str) -> tuple[Account, datetime] | None:
        found = self._sessions.get(session_id)
        return (self._accounts[found[0]][0], found[1]) if found else None

    def close_session(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def close_sessions_of(self, name: str) -> None:
        self._sessions = {key: value for key, value in self._sessions.items() if value[0] != name}

    def _change(self, name: str, **values: object) -> None:
        account, password_hash = self._accounts[name]
        self._accounts[name] = (replace(account, **values), password_hash)  # type: ignore[arg-type]
