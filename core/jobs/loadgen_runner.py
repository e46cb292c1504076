"""The project's own load generator as a measuring engine: one child process per point."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.domain.benchmark import requests_artifact
from core.errors import AppError, ToolFailed
from core.formats.events import parse_event
from core.jobs.benchmark import PointWork, RawFile
from core.loadgen.task import LoadTask
from core.ports import PromptFiles, Secrets, ToolRunner

KEY_VARIABLE = "SEATRIAL_ENDPOINT_KEY"
TOOL = "core.loadgen"
_ROOT = Path(__file__).resolve().parents[2]
_REQUESTS_FILE = "requests.jsonl.gz"


class LoadgenRunner:
    """A PointRunner."""

    def __init__(self, tools: ToolRunner, secrets: Secrets, prompts: PromptFiles, module: str = TOOL) -> None:
        self._tools = tools
        self._secrets = secrets
        self._prompts = prompts
        self._module = module

    async def run(self, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """Raises AppError: the generator's own word for what went wrong where it has one."""
        key = await asyncio.to_thread(self._key, work)
        task_file = work.out_dir / "task.json"
        with translated():
            task_file.write_text(self._task(work, has_key=key is not None).to_json(), encoding="utf-8")
        child = self._tools.run(
            [sys.executable, "-m", self._module, str(task_file)],
            server_key=work.server_key,
            log=work.log,
            env={KEY_VARIABLE: key} if key else None,
            cwd=_ROOT,
            job_id=work.job_id,
        )
        said: AppError | None = None
        try:
            async with aclosing(child) as lines:
                async for line in lines:
                    event = parse_event(line, TOOL)
                    said = _failure(event) or said
                    yield event
        except ToolFailed as error:
            raise said or error from error

    def _key(self, work: PointWork) -> str | None:
        return self._secrets.get(work.endpoint.key_ref) if work.endpoint.key_ref else None

    def _task(self, work: PointWork, *, has_key: bool) -> LoadTask:
        """Raises NotFoundError where the file of prompts is gone."""
        dataset = work.run.workload.dataset
        path = self._prompts.path(dataset.digest) if dataset else None
        return load_task(work, has_key=has_key, dataset_path=str(path) if path else None)

    def close(self, job_id: str) -> None:
        """Every point has a child of its own: nothing is kept."""

    def raw_files(self, work: PointWork) -> tuple[RawFile, ...]:
        """One line per request."""
        name = requests_artifact(work.point.index, work.repeat)
        return (RawFile(name, "application/x-ndjson", work.out_dir / _REQUESTS_FILE),)


def load_task(work: PointWork, *, has_key: bool, dataset_path: str | None = None) -> LoadTask:
    """The child's task. The key is named, not told."""
    workload, check = work.run.workload, work.endpoint.check
    return LoadTask(
        base_url=work.endpoint.base_url,
        served_name=work.endpoint.served_name,
        api=workload.api,
        point=work.point,
        repeat=work.repeat,
        attempt=work.attempt,
        input_tokens=workload.input_tokens,
        output_tokens=workload.output_tokens,
        seed=work.run.seed,
        out_dir=str(work.out_dir),
        vocabulary_size=check.vocabulary_size if check else None,
        timeout_s=workload.timeout_s,
        temperature=workload.temperature,
        ignore_eos=workload.ignore_eos,
        key_env=KEY_VARIABLE if has_key else None,
        top_p=workload.top_p,
        top_k=workload.top_k,
        input_spread=workload.input_spread,
        output_spread=workload.output_spread,
        prefix_share=workload.prefix_share,
        turns=workload.turns,
        dataset_path=dataset_path,
        is_server_here=work.endpoint.deployment_id is not None,
    )


def _failure(event: Mapping[str, Any]) -> AppError | None:
    if event["event"] != "failed":
        return None
    return AppError(str(event.get("code") or "tool_failed"), **dict(event.get("params") or {}))
