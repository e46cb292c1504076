"""Sets of questions that people brought."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.evaluation import Dataset
from core.domain.questions import QuestionSet


class QuestionSetTable(Base):
    """One version of a set. The list reads ``dataset``; ``questions`` is the whole of it."""

    __tablename__ = "question_sets"

    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    is_latest: Mapped[bool]
    dataset: Mapped[Dataset] = mapped_column(Record(Dataset))
    questions: Mapped[QuestionSet] = mapped_column(Record(QuestionSet), deferred=True)
