"""A job on the screen, in every state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.access import Actor, Role
from core.domain.job import JobState, JobView, Progress, Reason
from tests.fakes import samples
from ui import session
from ui.components import job_fraction

JOB = replace(samples.job(), steps_total=4, run_id=None)
PROGRESS = Progress(1, "Concurrency 16", 48, 192, "requests", 12.5, 11.5, samples.NOW)


class Jobs:
    """The service as the card uses it."""

    def __init__(self) -> None:
        self.current: JobView | None = None
        self.did: list[str] = []

    def view(self, _: str) -> JobView:
        assert self.current is not None
        return self.current

    def cancel(self, _: Actor, job_id: str) -> None:
        self.did.append(f"cancel {job_id}")

    def resume(self, _: Actor, job_id: str) -> None:
        self.did.append(f"resume {job_id}")


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    service = Jobs()
    preferences = SimpleNamespace(get=lambda key: None, set=lambda key, value: None)
    read = {"viewer": Actor("vera", Role.VIEWER)}.get
    app = SimpleNamespace(
        store=SimpleNamespace(preferences=preferences), jobs=service, access=SimpleNamespace(read=read)
    )
    session.install(cast(Any, app))
    yield service
    session.install(None)


def draw(jobs: Jobs, view: JobView, mark: str = session.LOOPBACK) -> AppTest:
    def script() -> None:
        from ui import session as own
        from ui.components import job_card

        job_card(own.app().jobs.view("job-1"))

    jobs.current = view
    at = AppTest.from_function(script, default_timeout=20)
    at.user = {"session": mark}
    return at.run()


def written(at: AppTest) -> str:
    return "\n".join(str(item.value) for group in (at.markdown, at.caption) for item in group)


def test_a_running_job_shows_progress_speed_and_time_left(jobs: Jobs) -> None:
    at = draw(jobs, JobView(JOB, JobState.RUNNING, 1, PROGRESS))
    (bar,) = at.get("progress")
    assert bar.proto.text.replace("\\", "") == (
        "Concurrency 16 · 48 of 192 requests · 12.5 requests per second · 12 s left"
    )
    assert bar.proto.value == 31  # percent: one step of four, and a quarter of the second
    assert [button.label for button in at.button] == ["Cancel"]
    assert "1 of 4 steps done" in written(at)


def test_an_interrupted_job_is_resumed_with_one_click(jobs: Jobs) -> None:
    at = draw(jobs, JobView(JOB, JobState.INTERRUPTED, 1, PROGRESS))
    assert "Finished steps are kept" in written(at)
    at.button(key=f"resume_{JOB.id}").click().run()
    assert jobs.did == [f"resume {JOB.id}"]


def test_a_failed_job_says_why_and_can_go_on(jobs: Jobs) -> None:
    failed = replace(JOB, reason=Reason("port_taken", {"port": 8000, "owner": "vllm"}))
    at = draw(jobs, JobView(failed, JobState.FAILED, 1, None))
    assert "Port 8000 is taken by vllm" in written(at).replace("\\", "")
    assert [button.label for button in at.button] == ["Resume"]


def test_a_queued_job_tells_its_place(jobs: Jobs) -> None:
    assert "Position 2 in the queue" in written(draw(jobs, JobView(JOB, JobState.QUEUED, 0, None, queue_position=2)))


@pytest.mark.parametrize("state", list(JobState))
def test_a_viewer_sees_every_state_and_no_button(jobs: Jobs, state: JobState) -> None:
    at = draw(jobs, JobView(JOB, state, 0, PROGRESS), mark="viewer")
    assert not at.exception
    assert not at.button


def test_the_share_done_never_passes_the_whole() -> None:
    over = replace(PROGRESS, done=200)
    assert job_fraction(JobView(JOB, JobState.RUNNING, 4, over)) == 1.0
    assert job_fraction(JobView(JOB, JobState.RUNNING, 0, None)) == 0.0
