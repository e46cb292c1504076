"""Open WebUIs that we know. Their tokens lie among the secrets."""

from __future__ import annotations

from sqlalchemy import select

from core.adapters.database.connection import Database
from core.adapters.database.tables.webuis import WebUiTable
from core.domain.webui import WebUi
from core.errors import NameTaken, NotFoundError


class DatabaseWebUiStore:
    """One row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, webui: WebUi) -> None:
        """Raises NameTaken where one is known at that address."""
        with self._database.write() as session:
            if session.scalars(select(WebUiTable).filter_by(address=webui.url)).first() is not None:
                raise NameTaken("webui_known", name=webui.url)
            session.add(WebUiTable(id=webui.id, **_columns(webui)))
            session.flush()

    def update(self, webui: WebUi) -> None:
        """Raises NotFoundError."""
        with self._database.write() as session:
            row = session.get(WebUiTable, webui.id)
            if row is None:
                raise NotFoundError(kind="webui", id=webui.id)
            for name, value in _columns(webui).items():
                setattr(row, name, value)

    def get(self, webui_id: str) -> WebUi:
        with self._database.read() as session:
            row = session.get(WebUiTable, webui_id)
            if row is None:
                raise NotFoundError(kind="webui", id=webui_id)
            return row.record

    def find(self, url: str) -> WebUi | None:
        with self._database.read() as session:
            row = session.scalars(select(WebUiTable).filter_by(address=url)).first()
            return row.record if row else None

    def list(self, include_removed: bool = False) -> tuple[WebUi, ...]:
        query = select(WebUiTable).order_by(WebUiTable.created_at, WebUiTable.id)
        if not include_removed:
            query = query.where(WebUiTable.removed_at.is_(None))
        with self._database.read() as session:
            rows = session.scalars(query)
            return tuple(row.record for row in rows)


def _columns(webui: WebUi) -> dict[str, object]:
    address = webui.url if webui.removed_at is None else f"removed:{webui.id}"
    return {
        "address": address,
        "created_at": webui.created_at,
        "removed_at": webui.removed_at,
        "record": webui,
    }
