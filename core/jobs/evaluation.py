"""An evaluation, dataset by dataset: what its workflow does, without the engine.

EvalScope exits 0 where every request failed, and leaves its answers where it is killed: what a step came to is read
from what is on disk, never from an exit code. A dataset that cannot be had does not stop the others."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.domain.benchmark import RunState
from core.domain.evaluation import Dataset, DatasetOrigin, DatasetOutcome
from core.domain.evaluation_rules import plan_dataset
from core.domain.evaluation_scores import headline
from core.domain.job import JobState, Reason
from core.errors import AppError, EngineError, NotFoundError, ToolFailed
from core.formats import evalscope, evalscope_task
from core.formats.questions import folder_files
from core.jobs.evaluation_outcome import StepFolder, outcome_of, read_log, samples_of
from core.jobs.evaluation_runner import DatasetStep, EvalscopeRunner
from core.jobs.evaluation_watch import Watch
from core.jobs.outcomes import JobLog, reason_of
from core.ports import Clock, ContainerEngine, EndpointClient, EvaluationCatalog, Store
from core.settings import Settings

_NAMES = {"report": "report.json", "configuration": "task_config.yaml"}
_OF_ALL = frozenset({"disk_full", "endpoint_gone"})
"""The next dataset would fare no better."""
_FAILURES_IN_A_ROW = 8
"""After so many it is asked whether the server is there at all: EvalScope would fail through every question left."""


class EvaluationWork:
    """Every verb may be called again after a crash: a dataset that is complete in the database is left alone, and one
    that EvalScope had begun is taken up where it was."""

    def __init__(
        self,
        store: Store,
        client: EndpointClient,
        catalog: EvaluationCatalog,
        runner: EvalscopeRunner,
        containers: ContainerEngine,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._client = client
        self._catalog = catalog
        self._runner = runner
        self._containers = containers
        self._settings = settings
        self._clock = clock
        self._log = JobLog(settings, clock)

    # ------------------------------------------------------------ verbs, each idempotent

    def begin(self, job_id: str) -> int:
        """Marks job and run as begun; one step a dataset."""
        job, now = self._store.jobs.get(job_id), self._clock.now()
        run_id = job.run_id or ""
        with self._store.atomic():
            self._store.jobs.mark_started(job_id, now)
            started_at = self._store.runs.head(run_id).started_at or now
            self._store.runs.set_state(run_id, RunState.PENDING, started_at=started_at)
        datasets = self._store.evaluations.request(run_id).datasets
        for step in range(len(datasets)):
            self._folder(job_id, step).reason.unlink(missing_ok=True)
        self._log.say(job_id, "evaluation begins or goes on", {"run": run_id, "datasets": len(datasets)})
        return len(datasets)

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One dataset. A reason only where nothing else could be evaluated either; what concerns this dataset alone is
        kept beside it, and told at the end."""
        try:
            found = await asyncio.to_thread(self._step, job_id, step)
            if found is None:
                return None
            reason = await self._evaluate(found)
        except AppError as error:
            reason = reason_of(error)
        if reason is None or reason.code in _OF_ALL:
            return reason
        await asyncio.to_thread(self._keep_reason, job_id, step, reason)
        return None

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Keeps what was answered, then writes outcome and run state."""
        run_id = self._store.jobs.get(job_id).run_id or ""
        if self._store.evaluations.request(run_id).sandbox:
            self._remove_sandboxes(job_id)
        keys = [choice.key for choice in self._store.evaluations.request(run_id).datasets]
        for step, key in enumerate(keys):
            unread = outcome is not JobState.DONE or self._folder(job_id, step).reason.exists()
            if unread and not self._store.evaluations.is_complete(run_id, key):
                self._keep_partial(job_id, step)
        complete = [key for key in keys if self._store.evaluations.is_complete(run_id, key)]
        if outcome is JobState.DONE and (told := self._first_reason(job_id, keys)):
            outcome, reason = JobState.FAILED, told
        self._settle(job_id, run_id, outcome, reason, is_whole=len(complete) == len(keys))
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)
        if outcome is JobState.DONE:
            shutil.rmtree(self._settings.work / job_id, ignore_errors=True)

    def _remove_sandboxes(self, job_id: str) -> None:
        """What a killed child has left; one that ended well has removed its own."""
        for name in evalscope.sandbox_containers(self._job_log(job_id)):
            with suppress(EngineError, NotFoundError):
                self._containers.remove(name, force=True)

    def _job_log(self, job_id: str) -> str:
        path = self._log.path(job_id)
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    # ------------------------------------------------------------ one dataset

    def _step(self, job_id: str, step: int) -> DatasetStep | None:
        """None where it is complete already. Raises NotFoundError for a dataset that is not known any more."""
        job = self._store.jobs.get(job_id)
        run_id = job.run_id or ""
        request = self._store.evaluations.request(run_id)
        choice = request.datasets[step]
        if self._store.evaluations.is_complete(run_id, choice.key):
            return None
        endpoint = self._store.endpoints.get(request.endpoint_id)
        judge = self._store.endpoints.get(request.judge_endpoint_id) if request.judge_endpoint_id else None
        folder = self._folder(job_id, step)
        with translated():
            dataset = self._materialize(folder, choice.key, choice.version)
        planned = plan_dataset(choice, dataset, request.limit, request.repeats)
        return DatasetStep(job, run_id, step, request, planned, endpoint, judge, folder, self._log.path(job_id))

    def _folder(self, job_id: str, step: int) -> StepFolder:
        return StepFolder(self._settings.work / job_id / f"dataset-{step}")

    def _materialize(self, folder: StepFolder, key: str, version: int | None) -> Dataset:
        """The dataset; its questions as files where they are in this installation."""
        folder.root.mkdir(parents=True, exist_ok=True)
        known = next((dataset for dataset in self._catalog.datasets() if dataset.key == key), None)
        if known is not None:
            return known
        shipped = next((one for one in self._catalog.shipped() if one.key == key), None)
        questions = shipped or self._store.questions.get(key, version)
        folder.questions.mkdir(exist_ok=True)
        for name, text in folder_files(questions.kind, questions.subsets).items():
            (folder.questions / name).write_text(text, encoding="utf-8")
        return questions.dataset()

    async def _evaluate(self, found: DatasetStep) -> Reason | None:
        said_before = await asyncio.to_thread(self._say_begin, found)
        began, failure = self._clock.now(), None
        try:
            if await self._run_child(found):
                return _gone(found)
        except ToolFailed as error:
            failure = error
        finally:
            await asyncio.to_thread(found.folder.add_spent, (self._clock.now() - began).total_seconds())
        return await asyncio.to_thread(self._take_in, found, failure, said_before)

    def _say_begin(self, found: DatasetStep) -> int:
        """How long the job's log is, before the child adds to it."""
        with translated():
            found.folder.errors.unlink(missing_ok=True)
        planned = found.planned
        self._log.say(found.job.id, "dataset begins", {"dataset": planned.choice.key, "questions": planned.questions})
        return len(self._job_log(found.job.id))

    async def _run_child(self, found: DatasetStep) -> bool:
        """Whether it was ended because the server is gone. Raises ToolFailed."""
        watch, losses = Watch(self._store.jobs, self._clock, found), _Losses()
        await watch.word("preparing")
        async with aclosing(self._runner.run(found)) as events:
            async for event in events:
                await watch.event(event)
                if losses.are_many(event) and await asyncio.to_thread(self._is_gone, found):
                    return True
        return False

    def _is_gone(self, found: DatasetStep) -> bool:
        url = found.endpoint.base_url
        if self._client.is_healthy(url):
            return False
        return not self._client.check(url, None, found.endpoint.served_name).reachable

    def _take_in(self, found: DatasetStep, failure: ToolFailed | None, said_before: int) -> Reason | None:
        """Scores and samples into the database; why the dataset cannot count as evaluated, or None."""
        outcome = outcome_of(found.folder, found.planned, found.request)
        report, key = outcome.report, outcome.key
        if report is None:
            return _no_report(found, failure)
        if report.requested == 0 or (report.requested is None and not report.scores):
            return Reason("evaluation_no_samples", {"dataset": key})
        if found.request.sandbox and (why := evalscope.sandbox_failure(self._job_log(found.job.id)[said_before:])):
            found.folder.forget_scores()
            return Reason("evaluation_sandbox_failed", {"dataset": key, "detail": why})
        self._save(found, outcome)
        if report.errored and self._is_gone(found):
            return _gone(found)
        if report.succeeded == 0:
            detail = evalscope.last_error(read_log(found.folder))
            return Reason("evaluation_all_failed", {"dataset": key, "detail": detail})
        if not report.scores:
            return Reason("evaluation_not_judged", {"dataset": key})
        Watch(self._store.jobs, self._clock, found).done()
        return None

    def _save(self, found: DatasetStep, outcome: DatasetOutcome) -> None:
        self._keep_files(found, outcome.key)
        self._store.evaluations.save(found.run_id, outcome, samples_of(found.folder, found.planned, found.request))
        self._count(found.run_id)
        told = outcome.report
        facts = {"succeeded": told.succeeded, "errored": told.errored} if told else {}
        self._log.say(found.job.id, "dataset evaluated", {"dataset": outcome.key, **facts})

    def _keep_files(self, found: DatasetStep, key: str) -> None:
        """Raw output first: scores without it could not be looked into."""
        benchmark = evalscope_task.benchmark_of(found.planned)
        paths = {"report": found.folder.report(benchmark), "configuration": found.folder.configuration}
        for kind, path in paths.items():
            if path is None or not path.is_file():
                continue
            media_type = "application/json" if kind == "report" else "application/yaml"
            with translated():
                self._store.artifacts.save(found.run_id, f"{key}-{_NAMES[kind]}", media_type, [path.read_bytes()])

    # ------------------------------------------------------------ ends

    def _keep_partial(self, job_id: str, step: int) -> None:
        """What was answered before the end, marked as partial."""
        folder = self._folder(job_id, step)
        if not folder.has_predictions():
            return
        try:
            found = self._step(job_id, step)
        except NotFoundError:
            return
        if found is not None:
            folder.mend()
            outcome = outcome_of(folder, found.planned, found.request)
            self._save(found, replace(outcome, is_partial=True))

    def _count(self, run_id: str) -> None:
        rows, asked = self._store.evaluations.scores(run_id), self._store.evaluations.request(run_id).datasets
        self._store.runs.set_parts(run_id, len({row.dataset for row in rows}), headline(rows, len(asked)))

    def _settle(self, job_id: str, run_id: str, outcome: JobState, reason: Reason | None, *, is_whole: bool) -> None:
        now: datetime = self._clock.now()
        kept = bool(self._store.evaluations.scores(run_id))
        partial = RunState.PARTIAL if kept or outcome is not JobState.FAILED else RunState.FAILED
        state = RunState.COMPLETE if outcome is JobState.DONE and is_whole else partial
        with self._store.atomic():
            self._store.jobs.finish(job_id, outcome, now, reason)
            self._store.runs.set_state(run_id, state, ended_at=now)

    def _keep_reason(self, job_id: str, step: int, reason: Reason) -> None:
        folder = self._folder(job_id, step)
        with translated():
            folder.root.mkdir(parents=True, exist_ok=True)
            folder.reason.write_text(json.dumps({"code": reason.code, "params": dict(reason.params)}), encoding="utf-8")
        self._log.say(job_id, "dataset not evaluated", {"reason": reason.code, **reason.params})

    def _first_reason(self, job_id: str, keys: list[str]) -> Reason | None:
        for step in range(len(keys)):
            told: Mapping[str, Mapping[str, str]] | None = _read(self._folder(job_id, step).reason)
            if told is not None:
                return Reason(str(told["code"]), dict(told["params"]))
        return None


class _Losses:
    """Failures since the last answer, or since somebody was last told of them."""

    def __init__(self) -> None:
        self._done = 0
        self._failed = 0

    def are_many(self, event: Mapping[str, Any]) -> bool:
        """Whether the server should be looked at."""
        done, failed = int(event.get("done") or 0), int(event.get("failed") or 0)
        many = done <= self._done and failed >= self._failed + _FAILURES_IN_A_ROW
        if many or done > self._done:
            self._done, self._failed = done, failed
        return many


def _gone(found: DatasetStep) -> Reason:
    return Reason("endpoint_gone", {"url": found.endpoint.base_url})


def _no_report(found: DatasetStep, failure: ToolFailed | None) -> Reason:
    """Its log tells most; what ended the child may only stand on its standard error."""
    log, said = read_log(found.folder), str(failure.params.get("detail") or "") if failure else ""
    detail = evalscope.last_error(log) or evalscope.last_error(said) or said[-500:]
    code = evalscope.failure_code(f"{log}\n{said}")
    key = found.planned.choice.key
    if code == "evaluation_hub_unreachable" and found.planned.dataset.origin is DatasetOrigin.EVALSCOPE:
        return Reason(code, {"dataset": key, "hub": found.request.hub.label})
    if code == "disk_full":
        return Reason(code, {"detail": detail})
    return Reason("evaluation_failed", {"dataset": key, "detail": detail})


def _read(path: Path) -> Mapping[str, Mapping[str, str]] | None:
    try:
        found: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
