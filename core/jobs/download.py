"""A download, step by step: ask the hub what there is, fetch it, hold it against the hub's hashes. Each step is a child
process; killed at any moment, the next one goes on from the bytes that are there."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.domain.job import Job, JobState, Progress, Reason
from core.domain.weights import RemoteFile, WeightsFolder
from core.downloader import TOOL
from core.downloader.task import TOKEN_VARIABLE, Action, DownloadTask
from core.errors import AppError, ToolFailed
from core.formats.events import parse_event
from core.jobs.outcomes import JobLog, reason_of, settle, tell
from core.ports import Clock, Secrets, Store, ToolRunner
from core.services.weights import token_ref
from core.settings import Settings

ACTIONS = (Action.LIST, Action.FETCH, Action.VERIFY)
_ROOT = Path(__file__).resolve().parents[2]


class DownloadWork:
    """Every verb may be called again; what is there is looked at first, by the child."""

    def __init__(self, store: Store, tools: ToolRunner, secrets: Secrets, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._tools = tools
        self._secrets = secrets
        self._settings = settings
        self._clock = clock
        self._log = JobLog(settings, clock)

    def begin(self, job_id: str) -> int:
        """Marks the job as begun; how many steps there are."""
        self._store.jobs.mark_started(job_id, self._clock.now())
        folder = self._store.weights.by_job(job_id)
        self._log.say(job_id, "download begins or goes on", {"repo": folder.repo, "folder": folder.path})
        return len(ACTIONS)

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One step; why it could not be done, or None."""
        try:
            folder = await asyncio.to_thread(self._store.weights.by_job, job_id)
            if ACTIONS[step] is Action.LIST and folder.files:
                return None  # a download that goes on keeps to the version that it began with
            await self._run(await asyncio.to_thread(self._store.jobs.get, job_id), folder, step)
            if ACTIONS[step] is Action.VERIFY:
                await asyncio.to_thread(self._store.weights.set_verified, folder.id, self._clock.now())
        except AppError as error:
            return reason_of(error)
        return None

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes the outcome."""
        settle(self._store, job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)
        if outcome is JobState.DONE:
            shutil.rmtree(self._settings.work / job_id, ignore_errors=True)

    async def _run(self, job: Job, folder: WeightsFolder, step: int) -> None:
        file = await asyncio.to_thread(self._write_task, job, folder, ACTIONS[step])
        token = await asyncio.to_thread(self._secrets.get, token_ref(folder.source))
        child = self._tools.run(
            [sys.executable, "-m", TOOL, str(file)],
            server_key=job.server_key,
            log=self._log.path(job.id),
            env={TOKEN_VARIABLE: token} if token else None,
            cwd=_ROOT,
            job_id=job.id,
        )
        said: AppError | None = None
        try:
            async with aclosing(child) as lines:
                async for line in lines:
                    said = await asyncio.to_thread(self._hear, job, folder, step, parse_event(line, TOOL)) or said
        except ToolFailed as error:
            raise said or error from error

    def _write_task(self, job: Job, folder: WeightsFolder, action: Action) -> Path:
        task = DownloadTask(
            action=action,
            source=folder.source,
            repo=folder.repo,
            revision=folder.commit or folder.revision,
            endpoint=folder.endpoint,
            folder=folder.path,
            patterns=folder.patterns,
            files=folder.files,
            verified=str(self._settings.work / job.id / "verified.jsonl"),
            workers=self._settings.download_workers,
        )
        path = self._settings.work / job.id / f"{action.value}.json"
        with translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(task.to_json(), encoding="utf-8")
        return path

    def _hear(self, job: Job, folder: WeightsFolder, step: int, event: Mapping[str, Any]) -> AppError | None:
        """Keeps what the child says; the error that it tells of, where it does."""
        if event["event"] == "listed":
            files = [RemoteFile(**file) for file in event["files"]]
            self._store.weights.set_files(folder.id, files, event["commit"])
        elif event["event"] == "progress":
            tell(self._store.jobs, job.id, self._progress(step, event))
        elif event["event"] == "failed":
            return AppError(str(event.get("code")), **dict(event.get("params") or {}))
        return None

    def _progress(self, step: int, event: Mapping[str, Any]) -> Progress:
        detail = {name: event.get(name) for name in ("file", "files_done", "files_total")}
        return Progress(
            step=step,
            label=f"download_{ACTIONS[step].value}",
            done=int(event["done"]),
            total=int(event["total"]),
            unit="bytes",
            rate_per_s=event.get("rate_per_s"),
            eta_s=event.get("eta_s"),
            updated_at=self._clock.now(),
            detail=detail,
        )
