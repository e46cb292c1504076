"""Questions that people brought: never changed, only followed by their next version."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Select, select

from core.adapters.database.connection import Database
from core.adapters.database.tables.questions import QuestionSetTable
from core.domain.evaluation import Dataset
from core.domain.questions import QuestionSet
from core.errors import NotFoundError


class DatabaseQuestionStore:
    """One row a version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, questions: QuestionSet) -> QuestionSet:
        """As the next version of its key; the latest one again where nothing has changed."""
        with self._database.write() as session:
            latest = session.scalars(_latest(questions.key).with_for_update()).one_or_none()
            if latest is not None and latest.dataset.revision == questions.revision:
                return latest.questions
            if latest is not None:
                latest.is_latest = False
            kept = replace(questions, version=latest.version + 1 if latest else 1)
            row = QuestionSetTable(key=kept.key, version=kept.version, created_at=kept.created_at, is_latest=True)
            row.dataset, row.questions = kept.dataset(), kept
            session.add(row)
            session.flush()
        return kept

    def list(self) -> tuple[Dataset, ...]:
        """The latest version of each, by name."""
        with self._database.read() as session:
            rows = session.scalars(select(QuestionSetTable.dataset).where(QuestionSetTable.is_latest))
            return tuple(sorted(rows, key=lambda dataset: dataset.name.casefold()))

    def get(self, key: str, version: int | None = None) -> QuestionSet:
        """That version, or the latest. Raises NotFoundError."""
        wanted = _latest(key) if version is None else select(QuestionSetTable).filter_by(key=key, version=version)
        with self._database.read() as session:
            row = session.scalars(wanted).one_or_none()
            if row is None:
                raise NotFoundError(kind="dataset", id=key if version is None else f"{key} v{version}")
            return row.questions

    def versions(self, key: str) -> tuple[Dataset, ...]:
        """Every version, the newest first."""
        query = select(QuestionSetTable.dataset).filter_by(key=key).order_by(QuestionSetTable.version.desc())
        with self._database.read() as session:
            return tuple(session.scalars(query))


def _latest(key: str) -> Select[QuestionSetTable]:
    return select(QuestionSetTable).filter_by(key=key, is_latest=True)
