"""The engine inside a worker process: launched once, stopped once."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import dbos._core
from dbos import DBOS, DBOSClient
from dbos import error as engine_error

from core.adapters.database.connection import sqlite_file
from core.adapters.database.failures import translated
from core.domain.job import JobKind
from core.jobs import workflows
from core.jobs.database import APPLICATION, APPLICATION_VERSION, QUEUE, serializer
from core.jobs.queue import connect
from core.jobs.upkeep import BEAT_S, LOOK_S, SWEEP_S, PickUp, Reconciler, Sweeper, Upkeep
from core.ports import Clock, JobQueue, Store
from core.settings import Settings

LOG = logging.getLogger("seatrial.worker")
POLL_S = 0.35
"""From a click to its job's first line at most this long; costs 2 % of a core when nothing is to do."""

_CANCEL_POLL_S = 0.4
# The engine looks once a second whether a running step is cancelled, which leaves too little of the two seconds that a
# cancel may take. The figure is a constant of the pinned version; tests/live measures the cancel.
dbos._core._PREEMPTIBLE_POLL_INTERVAL_SEC = _CANCEL_POLL_S


class _Expected(logging.Filter):
    """Drops what the engine reports at every cancel, and at every end of a worker with a running job, as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        cancelled = kind is not None and issubclass(kind, engine_error.DBOSAwaitedWorkflowCancelledError)
        return not cancelled and "Asyncio task cancelled" not in record.getMessage()


class Engine:
    """Runs jobs until it is stopped. The caller holds the single-instance lock: two engines with one executor id would
    each take up what the other is doing."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        works: Mapping[JobKind, workflows.Work],
        is_cancelled: Callable[[str], bool],
        queue: JobQueue,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._runtime = workflows.Runtime(works, is_cancelled)
        self._queue = queue
        self._clock = clock
        self._upkeep: tuple[Upkeep, ...] = ()
        self._client: DBOSClient | None = None

    def start(self) -> None:
        """Takes up what an earlier worker of this data directory left. Raises StoreError."""
        executor_id = executor_id_of(self._settings.home)
        self._client = connect(self._settings.jobs_url)
        workflows.bind(self._runtime)
        logging.getLogger("dbos").addFilter(_Expected())
        with translated():
            # Before the launch: a queue that appears later is noticed a second later.
            self._client.register_queue(QUEUE, partition_concurrency=1, polling_interval_sec=POLL_S)
            DBOS(config=_config(self._settings.jobs_url, executor_id))
            DBOS.launch()
        self._upkeep = self._duties(self._client, executor_id)
        for upkeep in self._upkeep:
            upkeep.start()
        LOG.info("worker %s at work, pid %d", executor_id, os.getpid())

    def stop(self) -> None:
        """Ends every child. What was running stays begun, and goes on with the next worker."""
        for upkeep in self._upkeep:
            upkeep.stop()
        DBOS.destroy()
        if self._client is not None:
            self._client.destroy()
        LOG.info("worker stopped")

    def _duties(self, client: DBOSClient, executor_id: str) -> tuple[Upkeep, ...]:
        alone = sqlite_file(self._settings.jobs_url) is not None
        pick_up = PickUp(client, executor_id, alone=alone)
        reconciler = Reconciler(self._store, self._queue, self._clock, workflows.ACTIVE.ids, pick_up)
        sweeper = Sweeper(self._store, client, self._settings, self._clock)
        beat = partial(_beat, self._store, executor_id, self._clock)
        return (
            Upkeep(((beat, BEAT_S), (_translating(reconciler.look), LOOK_S))),
            Upkeep(((_translating(sweeper.sweep), SWEEP_S),)),
        )


def executor_id_of(home: Path) -> str:
    """One per data directory, for ever: what an executor of this id began, the next one takes up."""
    file = home / "worker.id"
    home.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(f"worker-{uuid.uuid4().hex[:12]}\n")
    return file.read_text().strip()


def _config(url: str, executor_id: str) -> dbos.DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": url,
        "application_version": APPLICATION_VERSION,
        "executor_id": executor_id,
        "serializer": serializer(),
        "log_level": "WARNING",
        # A stopping worker waits for this thread.
        "notification_listener_polling_interval_sec": 1.0,
    }


def _beat(store: Store, executor_id: str, clock: Clock) -> None:
    store.jobs.beat(executor_id, clock.now())


def _translating(duty: Callable[[], None]) -> Callable[[], None]:
    def translating() -> None:
        with translated():
            duty()

    return translating
