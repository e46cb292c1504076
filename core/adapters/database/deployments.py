"""Deployments, with the container spec that each was started from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import ContainerCommandTable, DeploymentTable, ImageFlagsTable
from core.domain.deployment import ContainerCommand, Deployment, DeploymentState, StageMark
from core.errors import NotFoundError

_ENDED = {DeploymentState.FAILED, DeploymentState.LOST, DeploymentState.REMOVED}


class DatabaseDeploymentStore:
    """History too: a removed deployment stays in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deployment: Deployment) -> None:
        with self._database.write() as session:
            session.add(DeploymentTable(**_columns(deployment)))
            session.flush()

    def update(self, deployment: Deployment) -> None:
        """Raises NotFoundError."""
        with self._database.write() as session:
            row = _found(session, deployment.id)
            for name, value in _columns(deployment).items():
                setattr(row, name, value)

    def get(self, deployment_id: str) -> Deployment:
        with self._database.read() as session:
            return _deployment(_found(session, deployment_id))

    def list(self, include_ended: bool = True, limit: int = 200) -> tuple[Deployment, ...]:
        """The newest first. Ended: failed, lost or removed."""
        query = select(DeploymentTable).order_by(DeploymentTable.created_at.desc(), DeploymentTable.id.desc())
        if not include_ended:
            query = query.where(DeploymentTable.state.not_in([state.value for state in _ENDED]))
        with self._database.read() as session:
            return tuple(_deployment(row) for row in session.scalars(query.limit(limit)))

    def set_state(
        self,
        deployment_id: str,
        state: DeploymentState,
        *,
        at: datetime,
        reason_code: str | None = None,
        reason_params: Mapping[str, str] | None = None,
    ) -> None:
        """``at`` becomes the end where the state is one; a deployment that lives again has no end and no reason."""
        with self._database.write() as session:
            row = _found(session, deployment_id)
            row.state = state.value
            row.ended_at = at if state in _ENDED else None
            row.reason_code = reason_code
            row.reason_params = tuple((reason_params or {}).items())

    def mark_stage(self, deployment_id: str, stage: str, at: datetime) -> None:
        """Once for each stage of a start: the first word counts."""
        with self._database.write() as session:
            row = _found(session, deployment_id)
            if all(mark.stage != stage for mark in row.stages):
                row.stages = (*row.stages, StageMark(stage, at))

    def add_command(self, command: ContainerCommand) -> None:
        """Before it runs: one that never ends is known too."""
        with self._database.write() as session:
            session.add(ContainerCommandTable(**vars(command)))

    def end_command(self, command_id: str, exit_code: int) -> None:
        """Nothing happens where there is none."""
        with self._database.write() as session:
            row = session.get(ContainerCommandTable, command_id)
            if row is not None:
                row.exit_code = exit_code

    def commands(self, deployment_id: str, limit: int = 50) -> tuple[ContainerCommand, ...]:
        """The newest first."""
        table = ContainerCommandTable
        query = select(table).where(table.deployment_id == deployment_id).order_by(table.at.desc(), table.id.desc())
        with self._database.read() as session:
            return tuple(
                ContainerCommand(row.id, row.deployment_id, row.at, row.by, row.words, row.exit_code)
                for row in session.scalars(query.limit(limit))
            )

    def image_flags(self, image_id: str) -> tuple[str, ...] | None:
        """The flags that the image's own vLLM lists; None where it was not asked yet."""
        with self._database.read() as session:
            row = session.get(ImageFlagsTable, image_id)
            return row.flags if row else None

    def save_image_flags(self, image_id: str, flags: tuple[str, ...]) -> None:
        """In place of what was known."""
        with self._database.write() as session:
            session.merge(ImageFlagsTable(image_id=image_id, flags=flags))


def _found(session: Session, deployment_id: str) -> DeploymentTable:
    row = session.get(DeploymentTable, deployment_id)
    if row is None:
        raise NotFoundError(kind="deployment", id=deployment_id)
    return row


def _columns(deployment: Deployment) -> dict[str, object]:
    return {**vars(deployment), "state": deployment.state.value}


def _deployment(row: DeploymentTable) -> Deployment:
    return Deployment(
        id=row.id,
        name=row.name,
        spec=row.spec,
        state=DeploymentState(row.state),
        served_name=row.served_name,
        created_at=row.created_at,
        created_by=row.created_by,
        version_label=row.version_label,
        container_id=row.container_id,
        image_digest=row.image_digest,
        endpoint_id=row.endpoint_id,
        job_id=row.job_id,
        ended_at=row.ended_at,
        reason_code=row.reason_code,
        reason_params=row.reason_params,
        request=row.request,
        accepted=row.accepted,
        stages=row.stages,
        adopted=row.adopted,
        facts=row.facts,
    )
