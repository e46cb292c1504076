"""The start of an Open WebUI in a worker: step by step, a refusal is the job's reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.domain.job import JobKind, JobState, Progress, Reason
from core.errors import ContainerFailed
from core.jobs.webui import STEPS, WebUiWork
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.fresh_database import fresh_store

Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


class Verbs:
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fails = False

    def create(self, webui_id: str, report: Report, is_cancelled: Cancelled) -> bool:
        report(samples.progress(label="webui_create"))
        return self._note("create", webui_id)

    def wait(self, webui_id: str, report: Report, is_cancelled: Cancelled) -> bool:
        if self.fails:
            raise ContainerFailed("webui_container_ended", name="ui", exit_code=1, detail="locked")
        return self._note("wait", webui_id)

    def connect(self, webui_id: str, report: Report, is_cancelled: Cancelled) -> bool:
        return self._note("connect", webui_id)

    def prove(self, webui_id: str, report: Report, is_cancelled: Cancelled) -> bool:
        return self._note("prove", webui_id)

    def _note(self, verb: str, webui_id: str) -> bool:
        self.asked.append((verb, webui_id))
        return True


def work_at(home: Path) -> tuple[WebUiWork, Verbs, object]:
    store, verbs = fresh_store(home), Verbs()
    store.jobs.add(samples.job(kind=JobKind.WEBUI, server_key="webui:ui-1", run_id=None, steps_total=STEPS))
    settings = read_settings({"SEATRIAL_HOME": str(home)})
    settings.logs.mkdir(parents=True, exist_ok=True)
    return WebUiWork(store, verbs, lambda _: False, settings, FakeClock()), verbs, store


def test_four_steps_in_order_with_the_id_from_the_jobs_key(tmp_path: Path) -> None:
    work, verbs, store = work_at(tmp_path)
    assert work.begin("job-1") == STEPS
    for step in range(STEPS):
        assert asyncio.run(work.do("job-1", step)) is None
    work.end("job-1", JobState.DONE)
    assert verbs.asked == [(verb, "ui-1") for verb in ("create", "wait", "connect", "prove")]
    assert store.jobs.get("job-1").outcome is JobState.DONE  # type: ignore[attr-defined]


def test_a_refusal_is_the_jobs_reason(tmp_path: Path) -> None:
    work, verbs, _ = work_at(tmp_path)
    verbs.fails = True
    reason = asyncio.run(work.do("job-1", 1))
    assert reason == Reason("webui_container_ended", {"name": "ui", "exit_code": 1, "detail": "locked"})
