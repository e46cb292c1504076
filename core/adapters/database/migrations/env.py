"""Run by Alembic for every command; the connection is given by ``migrate``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from core.adapters.database.tables import Base


def plain_type(kind: str, item: Any, api: object) -> str | Literal[False]:
    """A revision names the database's types, not ours, which may change or go."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=plain_type,
)
context.run_migrations()
