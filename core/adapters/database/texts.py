"""Small texts by name: preferences, and secrets in their encrypted form."""

from __future__ import annotations

from core.adapters.database.connection import Database
from core.adapters.database.tables import PreferenceTable, SecretTable


class DatabasePreferenceStore:
    """The installation's own choices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        with self._database.read() as session:
            row = session.get(PreferenceTable, key)
            return row.value if row else None

    def set(self, key: str, value: str) -> None:
        with self._database.write() as session:
            session.merge(PreferenceTable(key=key, value=value))


class TokenStore:
    """Encrypted secrets; the key to them is elsewhere (core/adapters/secrets.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ref: str) -> str | None:
        with self._database.read() as session:
            row = session.get(SecretTable, ref)
            return row.token if row else None

    def set(self, ref: str, token: str) -> None:
        with self._database.write() as session:
            session.merge(SecretTable(ref=ref, token=token))

    def delete(self, ref: str) -> None:
        with self._database.write() as session:
            row = session.get(SecretTable, ref)
            if row is not None:
                session.delete(row)
