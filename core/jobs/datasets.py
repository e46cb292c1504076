"""Datasets fetched from a hub, or tried in a folder: one step each, by a child that loads as an evaluation does."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.domain.dataset_job import DatasetJob, LoadedDataset, request_name
from core.domain.evaluation import Dataset
from core.domain.job import JobState, Param, Progress, Reason
from core.errors import AppError, NotFoundError, ToolFailed
from core.formats import evalscope, records
from core.formats.evalscope_task import load_config
from core.formats.events import parse_event
from core.jobs.evaluation_runner import TOOL, environment, hub_cache
from core.jobs.outcomes import JobLog, reason_of, tell
from core.ports import Clock, EvaluationCatalog, Store, ToolRunner
from core.settings import Settings

MODULE = "core.evalrunner.fetch"
_ROOT = Path(__file__).resolve().parents[2]
_LOOK_S = 1.0


class DatasetWork:
    """A dataset that was fetched before is there at once: EvalScope asks its cache first."""

    def __init__(
        self,
        store: Store,
        catalog: EvaluationCatalog,
        tools: ToolRunner,
        settings: Settings,
        clock: Clock,
        module: str = MODULE,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._tools = tools
        self._settings = settings
        self._clock = clock
        self._module = module
        self._log = JobLog(settings, clock)

    def begin(self, job_id: str) -> int:
        """One step a dataset."""
        self._store.jobs.mark_started(job_id, self._clock.now())
        return len(self._wanted(job_id).choices)

    async def do(self, job_id: str, step: int) -> Reason | None:
        """Loads one; why it cannot be had, or None."""
        try:
            return await self._load(job_id, step)
        except AppError as error:
            return reason_of(error)

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes the outcome; what was fetched stays."""
        self._store.jobs.finish(job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)

    # ------------------------------------------------------------ one dataset

    def _wanted(self, job_id: str) -> DatasetJob:
        text = self._store.preferences.get(request_name(job_id))
        if text is None:
            raise NotFoundError(kind="job", id=job_id)
        return records.loads(DatasetJob, text)

    async def _load(self, job_id: str, step: int) -> Reason | None:
        wanted = await asyncio.to_thread(self._wanted, job_id)
        choice = wanted.choices[step]
        dataset = next((one for one in self._catalog.datasets() if one.key == choice.key), None)
        if dataset is None:
            return Reason("evaluation_dataset_unknown", {"dataset": choice.key})
        config = load_config(choice, wanted.hub, str(hub_cache(self._settings)))
        task = self._settings.work / job_id / f"task-{step}.json"
        with translated():
            task.parent.mkdir(parents=True, exist_ok=True)
            task.write_text(json.dumps(config), encoding="utf-8")
        try:
            loaded = await self._run(job_id, step, dataset, task)
        except ToolFailed as error:
            return _why(choice.key, wanted.hub.label, choice.local_path, str(error.params.get("detail", "")))
        if loaded is None:
            return Reason("evaluation_no_samples", {"dataset": choice.key})
        await asyncio.to_thread(self._tell, job_id, step + 1, dataset, None, loaded)
        self._log.say(job_id, "dataset loaded", {"dataset": choice.key, "samples": loaded.samples})
        return None

    async def _run(self, job_id: str, step: int, dataset: Dataset, task: Path) -> LoadedDataset | None:
        """While the child is silent, the growth of the data folder is told. Raises ToolFailed."""
        await asyncio.to_thread(self._tell, job_id, step, dataset, None, None)
        job = await asyncio.to_thread(self._store.jobs.get, job_id)
        child = self._tools.run(
            [sys.executable, "-m", self._module, str(task)],
            server_key=job.server_key,
            log=self._log.path(job_id),
            env=environment(self._settings, is_offline=False),
            cwd=_ROOT,
            job_id=job_id,
        )
        growing = asyncio.create_task(self._watch_growth(job_id, step, dataset))
        try:
            return await _last_word(child, dataset.key)
        finally:
            growing.cancel()

    async def _watch_growth(self, job_id: str, step: int, dataset: Dataset) -> None:
        before, began = await asyncio.to_thread(_size, self._settings.datasets), time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            grown = await asyncio.to_thread(_size, self._settings.datasets) - before
            rate = grown / (time.monotonic() - began)
            await asyncio.to_thread(self._tell, job_id, step, dataset, (grown, rate), None)

    def _tell(
        self,
        job_id: str,
        step: int,
        dataset: Dataset,
        growth: tuple[int, float] | None,
        loaded: LoadedDataset | None,
    ) -> None:
        grown, rate = growth if growth else (0, None)
        detail: dict[str, Param] = {"dataset": dataset.key}
        if loaded is not None:
            detail |= {"samples": loaded.samples, "question": loaded.question, "gold": loaded.gold}
        label = "loaded" if loaded else "fetching"
        progress = Progress(step, label, max(0, grown), None, "bytes", rate, None, self._clock.now(), detail)
        tell(self._store.jobs, job_id, progress)


async def _last_word(child: AsyncGenerator[str, None], key: str) -> LoadedDataset | None:
    loaded: LoadedDataset | None = None
    async with aclosing(child) as lines:
        async for line in lines:
            event: Mapping[str, Any] = parse_event(line, TOOL)
            if event["event"] == "loaded" and event.get("samples"):
                texts = {name: str(event.get(name) or "") for name in ("question", "gold")}
                loaded = LoadedDataset(key, int(event["samples"]), int(event["subsets"]), **texts)
    return loaded


def _why(key: str, hub: str, folder: str | None, detail: str) -> Reason:
    said = evalscope.last_error(detail) or detail[-500:]
    code = evalscope.failure_code(detail)
    if code == "disk_full":
        return Reason(code, {"detail": said})
    if folder is not None:
        return Reason("evaluation_folder_not_dataset", {"dataset": key, "folder": folder, "detail": said})
    if code == "evaluation_hub_unreachable":
        return Reason(code, {"dataset": key, "hub": hub})
    return Reason("evaluation_failed", {"dataset": key, "detail": said})


def _size(folder: Path) -> int:
    """Bytes below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total
