"""Preferences, secrets, counters."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.domain.job import Param

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


class PreferenceTable(Base):
    __tablename__ = "preferences"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class SecretTable(Base):
    """``token`` is encrypted (core/adapters/secrets.py)."""

    __tablename__ = "secrets"

    ref: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]


class CounterTable(Base):
    """``data_version`` grows with every write transaction, ``standings_version`` with what a leaderboard shows."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
