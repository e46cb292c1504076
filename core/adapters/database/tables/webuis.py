"""Open WebUIs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.webui import WebUi


class WebUiTable(Base):
    """``record`` is the whole of it; the columns are what it is found by. ``address`` is unique among those that are
    there; a removed one keeps its row under its id."""

    __tablename__ = "webuis"

    id: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    record: Mapped[WebUi] = mapped_column(Record(WebUi))
