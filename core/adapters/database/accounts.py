"""Accounts and sign-in sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import AccountTable, SessionTable
from core.domain.access import Account, Role
from core.errors import NameTaken, NotFoundError


class DatabaseAccountStore:
    """Password hashes leave it only through ``get``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, role: Role, password_hash: str, at: datetime) -> None:
        with self._database.write() as session:
            if session.get(AccountTable, name) is not None:
                raise NameTaken(name=name)
            session.add(AccountTable(name=name, role=role.value, password_hash=password_hash, created_at=at))
            session.flush()

    def list(self) -> tuple[Account, ...]:
        """By name."""
        with self._database.read() as session:
            rows = session.scalars(select(AccountTable).order_by(AccountTable.name))
            return tuple(_account(row) for row in rows)

    def get(self, name: str) -> tuple[Account, str] | None:
        with self._database.read() as session:
            row = session.get(AccountTable, name)
            return (_account(row), row.password_hash) if row else None

    def set_role(self, name: str, role: Role) -> None:
        with self._database.write() as session:
            _found(session, name).role = role.value

    def set_password(self, name: str, password_hash: str) -> None:
        with self._database.write() as session:
            _found(session, name).password_hash = password_hash

    def set_disabled(self, name: str, at: datetime | None) -> None:
        with self._database.write() as session:
            _found(session, name).disabled_at = at

    # ------------------------------------------------------------ sessions

    def open_session(self, session_id: str, name: str, expires_at: datetime) -> None:
        with self._database.write(counted=False) as session:
            session.add(SessionTable(id=session_id, name=name, expires_at=expires_at))
            session.flush()

    def session(self, session_id: str) -> tuple[Account, datetime] | None:
        query = select(AccountTable, SessionTable.expires_at).join(SessionTable).where(SessionTable.id == session_id)
        with self._database.read() as session:
            row = session.execute(query).one_or_none()
            return (_account(row[0]), row[1]) if row else None

    def close_session(self, session_id: str) -> None:
        with self._database.write(counted=False) as session:
            session.execute(delete(SessionTable).where(SessionTable.id == session_id))

    def close_sessions_of(self, name: str) -> None:
        with self._database.write(counted=False) as session:
            session.execute(delete(SessionTable).where(SessionTable.name == name))


def _found(session: Session, name: str) -> AccountTable:
    row = session.get(AccountTable, name)
    if row is None:
        raise NotFoundError(kind="account", id=name)
    return row


def _account(row: AccountTable) -> Account:
    return Account(row.name, Role(row.role), row.created_at, row.disabled_at)
