"""One dataset by our child around EvalScope."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.adapters.database.failures import translated
from core.domain.endpoint import Endpoint
from core.domain.evaluation import EvaluationRequest, PlannedDataset
from core.domain.job import Job
from core.formats.evalscope_task import JUDGE_KEY_VARIABLE, KEY_VARIABLE, Place, task_config
from core.formats.events import parse_event
from core.jobs.evaluation_outcome import StepFolder
from core.ports import Secrets, ToolRunner
from core.settings import Settings

TOOL = "core.evalrunner"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DatasetStep:
    """One dataset of an evaluation: everything that the evaluating side needs."""

    job: Job
    run_id: str
    step: int
    request: EvaluationRequest
    planned: PlannedDataset
    endpoint: Endpoint
    judge: Endpoint | None
    folder: StepFolder
    log: Path


class EvalscopeRunner:
    """``module`` is another child in tests."""

    def __init__(self, tools: ToolRunner, secrets: Secrets, settings: Settings, module: str = TOOL) -> None:
        self._tools = tools
        self._secrets = secrets
        self._settings = settings
        self._module = module

    async def run(self, found: DatasetStep) -> AsyncGenerator[Mapping[str, Any], None]:
        """The child's events: started, progress. Raises AppError; closing or cancelling ends every process."""
        keys = await asyncio.to_thread(self._keys, found)
        with translated():
            found.folder.task.write_text(json.dumps(self._task(found)), encoding="utf-8")
        child = self._tools.run(
            [sys.executable, "-m", self._module, str(found.folder.task)],
            server_key=found.job.server_key,
            log=found.log,
            env={**keys, **environment(self._settings, is_offline=found.planned.dataset.is_offline), **_direct(found)},
            cwd=_ROOT,
            job_id=found.job.id,
        )
        async with aclosing(child) as lines:
            async for line in lines:
                yield parse_event(line, TOOL)

    def _task(self, found: DatasetStep) -> dict[str, Any]:
        folder = found.folder
        place = Place(str(folder.work_dir), str(folder.questions), str(hub_cache(self._settings)))
        config = task_config(found.request, found.planned, found.endpoint, found.judge, place)
        return {"config": config, "errors": str(folder.errors)}

    def _keys(self, found: DatasetStep) -> dict[str, str]:
        """By environment alone: no file ever holds one."""
        refs = {KEY_VARIABLE: found.endpoint.key_ref, JUDGE_KEY_VARIABLE: found.judge.key_ref if found.judge else None}
        values = {name: self._secrets.get(ref) for name, ref in refs.items() if ref}
        return {name: value for name, value in values.items() if value}


def hub_cache(settings: Settings) -> Path:
    """EvalScope's ``dataset_dir``."""
    return settings.datasets / "evalscope"


def environment(settings: Settings, *, is_offline: bool) -> dict[str, str]:
    """Everything that is fetched stays in the data folder, nothing is reported to anybody, and questions that are here
    ask no hub."""
    home = settings.datasets
    env = {
        "HF_HOME": str(home / "huggingface"),
        "HF_ENDPOINT": settings.hf_endpoint,
        "MODELSCOPE_CACHE": str(home / "modelscope"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_COLOR": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return {**env, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"} if is_offline else env


def _direct(found: DatasetStep) -> dict[str, str]:
    """A proxy for the hubs is not in the way of the endpoint."""
    hosts = {urlsplit(one.base_url).hostname or "" for one in (found.endpoint, found.judge) if one is not None}
    direct = ",".join(sorted(hosts | {"127.0.0.1", "localhost"}))
    return {"NO_PROXY": direct, "no_proxy": direct}
