"""A deployment's steps in a worker: told from a cancel, the worker's own end undoes nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from core.domain.job import JobKind, JobState, Progress, Reason
from core.errors import ImageMissing
from core.jobs.deployment import DeploymentWork
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.fresh_database import fresh_store

Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


class Steps:
    """The deployment service: notes what it was asked, waits where it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.undone: list[str] = []
        self.waits = threading.Event()
        self.missing = False

    def step_create(self, deployment_id: str, progress: Report, is_cancelled: Cancelled) -> bool:
        self.asked.append(("create", deployment_id))
        if self.missing:
            raise ImageMissing(image="vllm:none")
        for count in range(5):
            progress(samples.progress(label="start_pull", done=count))
        progress(samples.progress(label="start_create", done=9))
        return True

    def step_wait_ready(self, deployment_id: str, progress: Report, is_cancelled: Cancelled) -> bool:
        self.waits.set()
        while not is_cancelled():
            threading.Event().wait(0.01)
        self.undone.append(deployment_id)
        return False

    def step_register_endpoint(self, deployment_id: str, progress: Report, is_cancelled: Cancelled) -> bool:
        self.asked.append(("register", deployment_id))
        return True


class Site:
    def __init__(self, home: Path) -> None:
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.store, self.steps = fresh_store(home), Steps()
        self.cancelled = False
        self.store.deployments.add(samples.deployment())
        self.store.jobs.add(
            samples.job(kind=JobKind.DEPLOYMENT, run_id=None, deployment_id="d-1", server_key="deployment:d-1")
        )
        self.work = DeploymentWork(self.store, self.steps, lambda _: self.cancelled, settings, FakeClock())
        self.log = settings.logs / "job-1.log"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_three_steps_in_order_with_each_stage_in_the_log(site: Site) -> None:
    assert site.work.begin("job-1") == 3
    assert await site.work.do("job-1", 0) is None
    assert await site.work.do("job-1", 2) is None
    site.work.end("job-1", JobState.DONE)
    assert site.steps.asked == [("create", "d-1"), ("register", "d-1")]
    assert site.store.jobs.progress(["job-1"])["job-1"].done == 9
    words = [line.split("Z ", 1)[1] for line in site.log.read_text().splitlines()]
    assert words == ["deployment begins or goes on deployment=d-1", "start_pull", "start_create", "done"]
    assert site.store.jobs.get("job-1").outcome is JobState.DONE


async def test_what_could_not_be_done_is_the_reason(site: Site) -> None:
    site.steps.missing = True
    assert await site.work.do("job-1", 0) == Reason("image_missing", {"image": "vllm:none"})


@pytest.mark.parametrize(("by_person", "undone"), [(True, ["d-1"]), (False, [])])
async def test_a_cancel_undoes_and_the_workers_end_does_not(site: Site, by_person: bool, undone: list[str]) -> None:
    step = asyncio.create_task(site.work.do("job-1", 1))
    await asyncio.to_thread(site.steps.waits.wait, 5)
    site.cancelled = by_person
    step.cancel()
    with suppress(asyncio.CancelledError):
        await step
    assert step.cancelled()
    assert site.steps.undone == undone
