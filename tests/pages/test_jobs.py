"""The queue and the history of jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import Role
from core.domain.job import JobState, Reason
from core.services.jobs import JobService
from tests.fakes import samples
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session


@pytest.fixture
def queue(app: App) -> FakeJobQueue:
    """The job engine, its words given by the test; a worker is there."""
    queue = FakeJobQueue(app.clock.now())
    jobs = JobService(app.store.jobs, queue, app.tools, app.settings, app.clock)
    session.install(replace(app, jobs=jobs))
    return queue


def begin(app: App, queue: FakeJobQueue, job_id: str, state: JobState, title: str) -> None:
    """A job that the engine knows, in that state."""
    app.store.jobs.add(samples.job(id=job_id, title=title, run_id=None, created_at=app.clock.now()))
    if state is not JobState.QUEUED:
        app.store.jobs.mark_started(job_id, app.clock.now())
    queue.engine[job_id] = state


def titles(at: AppTest) -> list[str]:
    """The history's rows."""
    return [button.label for button in at.button if (button.key or "").startswith("open_")]


def write_log(app: App, job_id: str, text: str) -> None:
    """What a worker would write."""
    (app.settings.logs / f"{job_id}.log").write_text(text, encoding="utf-8")


def test_without_jobs_one_sentence_and_the_way_to_the_first(app: App, open_page: Open) -> None:
    at = open_page("jobs")
    assert not at.exception
    assert "No job yet" in sentences(at)
    assert titles(at) == []


@pytest.mark.parametrize(("locale", "state"), [("en-US", "Running"), ("zh-CN", "进行中")])
def test_progress_and_history_in_both_languages(
    app: App, queue: FakeJobQueue, open_page: Open, locale: str, state: str
) -> None:
    begin(app, queue, "job-1", JobState.RUNNING, "tiny sweep")
    app.store.jobs.save_progress("job-1", samples.progress(updated_at=app.clock.now()))
    at = open_page("jobs", locale=locale)
    assert not at.exception
    assert titles(at) == ["tiny sweep"]
    assert state in sentences(at)
    assert any("96" in str(bar.proto.text) and "192" in str(bar.proto.text) for bar in at.get("progress"))


def test_the_history_comes_in_pages(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    for number in range(23):
        job_id, made = f"job-{number:02d}", samples.NOW + timedelta(minutes=number)
        app.store.jobs.add(samples.job(id=job_id, title=f"sweep {number}", created_at=made, run_id=None))
        app.store.jobs.finish(job_id, JobState.DONE, made)
    at = open_page("jobs")
    assert "23 jobs have ended" in sentences(at)
    assert "Nothing runs, nothing waits" in sentences(at)
    assert titles(at) == [f"sweep {number}" for number in range(22, 2, -1)]


def test_cancelling_asks_first(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    begin(app, queue, "job-1", JobState.RUNNING, "tiny sweep")
    at = open_page("jobs")
    at.button(key="cancel_job-1").click().run()
    assert queue.engine["job-1"] is JobState.RUNNING
    assert at.button(key="confirm_yes").label == "Cancel the job"
    assert at.button(key="confirm_no").label == "Let it run"
    assert "Finished points stay" in sentences(at)


def test_a_failed_job_says_why_shows_its_log_and_can_be_resumed(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    begin(app, queue, "job-1", JobState.FAILED, "tiny sweep")
    app.store.jobs.finish("job-1", JobState.FAILED, app.clock.now(), Reason("disk_full", {"detail": "0 bytes left"}))
    write_log(app, "job-1", "one\nlast words\n")
    at = open_page("jobs", id="job-1")
    assert "The disk is full" in sentences(at)
    assert at.code[0].value == "one\nlast words"
    at.button(key="resume_chosenjob-1").click().run()
    assert not at.exception
    assert queue.engine["job-1"] is JobState.QUEUED
    assert app.store.jobs.get("job-1").outcome is None


def test_a_job_whose_worker_is_gone_reads_interrupted(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    begin(app, queue, "job-1", JobState.RUNNING, "tiny sweep")
    queue.worker_at = None
    at = open_page("jobs")
    assert "Finished steps are kept" in sentences(at)
    assert "The worker does not answer" in [box.proto.title for box in at.warning]
    at.button(key="resume_job-1").click().run()
    assert queue.engine["job-1"] is JobState.QUEUED


def test_a_log_without_words_says_so_and_an_unknown_job_is_told(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    begin(app, queue, "job-1", JobState.QUEUED, "tiny sweep")
    assert "Nothing is written yet" in sentences(open_page("jobs", id="job-1"))
    at = open_page("jobs", id="job-9")
    assert not at.exception
    assert any("job\\-9" in str(box.value) or "job-9" in str(box.value) for box in at.error)
    assert titles(at) == ["tiny sweep"], "the rest of the page stays"


def test_a_viewer_reads_and_changes_nothing(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    begin(app, queue, "job-1", JobState.RUNNING, "tiny sweep")
    at = open_page("jobs", person=Role.VIEWER)
    assert not at.exception
    assert [button.key for button in at.button if (button.key or "").startswith(("cancel", "resume"))] == []
