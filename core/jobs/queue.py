"""The JobQueue port over the engine's client, which registers and runs nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.adapters.database.connection import sqlite_file
from core.adapters.database.failures import translated
from core.adapters.locks import is_locked
from core.domain.job import JobKind, JobState
from core.errors import NotFoundError
from core.jobs.database import APPLICATION, QUEUE, prepare, refuse_when_locked, serializer
from core.ports import JobStore

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

STATES: Mapping[str, JobState] = {
    "DELAYED": JobState.QUEUED,
    "ENQUEUED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
    "ERROR": JobState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
_ENDED = frozenset({"SUCCESS", "ERROR"})


class DbosQueue:
    """Connects at its first use, so that a process that never meets a job does not load the engine."""

    def __init__(self, url: str, worker_lock: Path, jobs: JobStore) -> None:
        self._url = url
        self._worker_lock = worker_lock
        self._jobs = jobs
        self._connecting = threading.Lock()
        self._connected: DBOSClient | None = None

    def enqueue(self, job_id: str, kind: JobKind, server_key: str, payload: Mapping[str, Any]) -> None:
        """``payload`` goes to the workflow as keywords beside the id; what a job is lies in the results database."""
        client = self._client()
        refuse_when_locked(self._url)
        with translated():
            client.enqueue(
                {
                    "workflow_name": kind.value,
                    "workflow_id": job_id,
                    "queue_name": QUEUE,
                    "queue_partition_key": server_key,
                },
                job_id,
                **payload,
            )

    def cancel(self, job_id: str) -> None:
        """Nothing happens to one that has ended or is not known."""
        client = self._client()
        refuse_when_locked(self._url)
        with translated():
            client.cancel_workflow(job_id)

    def resume(self, job_id: str) -> None:
        """Raises NotFoundError where the engine does not know the job. One that ended by itself begins anew; its steps
        find what is already measured."""
        client = self._client()
        refuse_when_locked(self._url)
        found = self._find([job_id])
        if not found:
            raise NotFoundError(kind="job", id=job_id)
        status = found[0]
        with translated():
            if status.status in _ENDED:
                client.delete_workflow(job_id)
                self.enqueue(job_id, JobKind(status.name), status.queue_partition_key or "", {})
            else:
                client.resume_workflow(job_id, queue_name=QUEUE)

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        """One query for all."""
        if not job_ids:
            return {}
        return {status.workflow_id: STATES[status.status] for status in self._find(job_ids)}

    def steps_done(self, job_id: str) -> int:
        """Steps that the engine has checkpointed."""
        with translated():
            return len(self._client().list_workflow_steps(job_id))

    def worker_seen_at(self) -> datetime | None:
        """The last heartbeat. A worker of this data directory holds a kernel lock: without that there is none, however
        fresh its last heartbeat."""
        if sqlite_file(self._url) is not None and not is_locked(self._worker_lock):
            return None
        return self._jobs.last_beat()

    def close(self) -> None:
        """Gives the connections back."""
        with self._connecting:
            if self._connected is not None:
                self._connected.destroy()
                self._connected = None

    def _find(self, job_ids: Sequence[str]) -> list[WorkflowStatus]:
        with translated():
            return self._client().list_workflows(workflow_ids=list(job_ids), load_input=False, load_output=False)

    def _client(self) -> DBOSClient:
        with self._connecting:
            if self._connected is None:
                self._connected = connect(self._url)
            return self._connected


def connect(url: str) -> DBOSClient:
    """A client of a database that is up to date. Raises StoreError."""
    from dbos import DBOSClient

    prepare(url)
    with translated():
        return DBOSClient(
            system_database_url=url,
            application_name=APPLICATION,
            serializer=serializer(),
            retry_connection_errors=False,
        )
