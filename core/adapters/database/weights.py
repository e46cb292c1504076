"""Folders of weights, with what their hub said is in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import WeightsFolderTable
from core.domain.weights import RemoteFile, WeightsFolder, WeightsSource
from core.errors import NotFoundError


class DatabaseWeightsStore:
    """Fulfils ports.WeightsStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, folder: WeightsFolder) -> None:
        with self._database.write() as session:
            session.add(WeightsFolderTable(**{**vars(folder), "source": folder.source.value}))
            session.flush()

    def get(self, folder_id: str) -> WeightsFolder:
        with self._database.read() as session:
            return _folder(_found(session, folder_id))

    def by_job(self, job_id: str) -> WeightsFolder:
        query = select(WeightsFolderTable).where(WeightsFolderTable.job_id == job_id)
        with self._database.read() as session:
            row = session.scalars(query).first()
            if row is None:
                raise NotFoundError(kind="weights", id=job_id)
            return _folder(row)

    def list(self) -> tuple[WeightsFolder, ...]:
        query = select(WeightsFolderTable).order_by(WeightsFolderTable.created_at.desc(), WeightsFolderTable.id.desc())
        with self._database.read() as session:
            return tuple(_folder(row) for row in session.scalars(query))

    def set_job(self, folder_id: str, job_id: str) -> None:
        with self._database.write() as session:
            _found(session, folder_id).job_id = job_id

    def set_files(self, folder_id: str, files: Sequence[RemoteFile], commit: str | None) -> None:
        with self._database.write() as session:
            row = _found(session, folder_id)
            row.files, row.commit = tuple(files), commit

    def set_verified(self, folder_id: str, at: datetime | None) -> None:
        with self._database.write() as session:
            _found(session, folder_id).verified_at = at

    def remove(self, folder_id: str) -> None:
        with self._database.write() as session:
            session.delete(_found(session, folder_id))


def _found(session: Session, folder_id: str) -> WeightsFolderTable:
    row = session.get(WeightsFolderTable, folder_id)
    if row is None:
        raise NotFoundError(kind="weights", id=folder_id)
    return row


def _folder(row: WeightsFolderTable) -> WeightsFolder:
    names = WeightsFolder.__dataclass_fields__
    return WeightsFolder(**{**{name: getattr(row, name) for name in names}, "source": WeightsSource(row.source)})
