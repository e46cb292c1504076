"""Column types: times that are always UTC, and domain objects kept whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from core.formats import records


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware out. SQLite has no time zones, so UTC is written there without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Record(TypeDecorator[Any]):
    """A domain object as JSON text. ``kind`` is its class, or any type that pydantic understands."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else records.dumps(self.kind, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else records.loads(self.kind, value)
