"""A person's jobs, told on whatever page they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.bootstrap import App
from core.domain.job import JobState, Reason
from core.services.jobs import JobService
from core.services.notices import NoticeService
from render.texts import Texts
from tests.fakes import samples
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session
from ui.components.notices import POLL_S, SLOW_POLL_S, rhythm_s, tab_title
from ui.markdown import cut

EN = Texts("en")


@pytest.fixture
def queue(app: App) -> FakeJobQueue:
    """A running benchmark of the person."""
    queue = FakeJobQueue(app.clock.now())
    jobs = JobService(app.store.jobs, queue, app.tools, app.settings, app.clock)
    session.install(replace(app, jobs=jobs, notices=NoticeService(app.store, jobs, app.clock)))
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run())
    app.store.jobs.add(samples.job())
    app.store.jobs.mark_started("job-1", app.clock.now())
    app.store.jobs.save_progress("job-1", samples.progress(updated_at=app.clock.now()))
    queue.engine["job-1"] = JobState.RUNNING
    return queue


def title(app: App) -> str:
    return tab_title(session.app().notices.of(session.LOCAL_OPERATOR), EN)


def test_a_job_at_work_shows_how_far_it_is(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    at = open_page("endpoints")
    assert not at.exception
    assert "1 job at work, 25 %" in str(at.get("progress")[0].proto.text)
    assert title(app) == "25 % · Seatrial"


def test_a_job_that_ended_is_told_once_and_forgotten_when_seen(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    at = open_page("endpoints")
    app.store.jobs.finish("job-1", JobState.DONE, app.clock.now())
    at.run()
    assert [toast.value for toast in at.toast] == ["Done\\: tiny\\: 1, 16"]
    assert title(app) == "1 done · Seatrial"
    at.run()
    assert not at.toast
    at.button(key="notices_seen").click().run()
    assert title(app) == "Seatrial"
    assert not at.exception


def test_a_failure_and_a_stuck_job_come_first(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    app.store.jobs.add(samples.job(id="job-2"))
    app.store.jobs.finish("job-2", JobState.FAILED, app.clock.now(), Reason("disk_full", {}))
    assert title(app) == "1 failed · Seatrial"
    assert rhythm_s(session.app().notices.of(session.LOCAL_OPERATOR)) == POLL_S
    queue.worker_at = None
    assert title(app) == "Stuck · Seatrial"
    assert rhythm_s(session.app().notices.of(session.LOCAL_OPERATOR)) == SLOW_POLL_S, "it may go on"
    at = open_page("settings", locale="zh-CN")
    assert not at.exception
    labels = [element.proto.label for element in at.get("page_link")]
    assert any("卡住" in label for label in labels)
    assert any("失败" in label for label in labels)


def test_the_page_of_jobs_is_a_look(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    app.store.jobs.finish("job-1", JobState.DONE, app.clock.now())
    at = open_page("jobs")
    assert not at.exception
    assert "1 job has ended" in sentences(at)
    assert title(app) == "Seatrial"


def test_a_tab_that_shows_nothing_learns_of_a_job_started_elsewhere(
    app: App, queue: FakeJobQueue, open_page: Open
) -> None:
    app.store.jobs.finish("job-1", JobState.CANCELLED, app.clock.now())
    assert rhythm_s(session.app().notices.of(session.LOCAL_OPERATOR)) == SLOW_POLL_S, "it looks again by itself"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Done: tiny", "Done: tiny"),
        ("Done: tiny: 1, 16 and 64", "Done: tiny: 1, 16 and…"),
        ("Done: DeepSeek-R1-0 · 128/128", "Done: DeepSeek-R1-0…"),
        ("已完成：一二三四五六七", "已完成：一二三四五六七"),
        ("已完成：一二三四五六七八", "已完成：一二三四五六…"),
    ],
)
def test_a_long_line_ends_in_dots_and_not_in_half_a_letter(words: str, shown: str) -> None:
    assert cut(words, 22) == shown


def test_the_whole_of_a_long_title_is_the_tooltip(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    app.store.jobs.finish("job-1", JobState.FAILED, app.clock.now(), Reason("job_gave_up"))
    app.store.jobs.add(samples.job(id="job-2", title="DeepSeek-R1-0528 · 1024/1024 · 1, 4"))
    app.store.jobs.finish("job-2", JobState.DONE, app.clock.now())
    at = open_page("endpoints")
    links = [one.proto for one in at.get("page_link") if "DeepSeek" in one.proto.label]
    assert [one.label for one in links] == [":green[:material/check_circle:] Done\\: DeepSeek\\-R1\\-0…"]
    assert links[0].help == "Done\\: DeepSeek\\-R1\\-0528 · 1024/1024 · 1, 4"
