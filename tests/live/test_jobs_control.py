"""Cancel, resume, and the states in between, with a real worker and real children."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.benchmark import RunState
from core.domain.job import JobState
from core.errors import RefusedError
from core.jobs.database import APPLICATION_VERSION
from tests.live.job_site import ONE, TWO, Site, job_site, until
from tests.live.servers import ROOT, alive


def test_cancel_ends_the_whole_group_within_two_seconds_and_the_next_job_waits_for_that(tmp_path: Path) -> None:
    with job_site(tmp_path, step_s=5.0) as site:
        first, second = site.job("job-1", ONE, 2, "stubborn"), site.job("job-2", ONE, 1)
        site.start_worker()
        until(lambda: len(site.living()) == 2, 30, "child and grandchild to run")
        victims = site.living()
        assert site.state(first) is JobState.RUNNING
        assert (site.state(second), site.view(second).queue_position) == (JobState.QUEUED, 1)
        assert site.app.jobs.on_server(site.view(first).job.server_key) == site.view(first)
        began = time.monotonic()
        site.cancel(first)
        assert site.state(first) is JobState.CANCELLING
        until(lambda: not [pid for pid in victims if alive(pid)], 30, "the last process to be dead")
        took_s = time.monotonic() - began
        site.reaches(first, JobState.CANCELLED)
        until(lambda: site.begun(second) == [0], 30, "the next job to begin")
        assert [entry for entry in site.journal() if entry["event"] == "overlap"] == []
        assert took_s < 2.0


def test_a_cancelled_job_keeps_its_points_and_resumes_at_the_first_unfinished(tmp_path: Path) -> None:
    with job_site(tmp_path, step_s=0.2) as site:
        job = site.job("job-1", ONE, 3, "held")
        site.start_worker()
        until(lambda: site.points(job) == [0], 30, "the first point")
        until(lambda: site.begun(job) == [0, 1], 30, "the second to begin")
        site.cancel(job)
        view = site.reaches(job, JobState.CANCELLED)
        assert view.steps_done == 1
        assert site.app.store.runs.get(f"run-{job}").state is RunState.PARTIAL
        assert not site.app.tools.is_held(view.job.server_key)
        (site.home / "journal" / "release").touch()
        site.resume(job)
        with pytest.raises(RefusedError) as refused:
            site.resume(job)
        assert refused.value.code == "job_not_resumable"
        assert site.reaches(job, JobState.DONE).steps_done == 3
        assert site.begun(job) == [0, 1, 1, 2]
        assert "Traceback" not in site.worker_log()
        assert site.app.store.runs.get(f"run-{job}").state is RunState.COMPLETE
        site.assert_faithful([job])


def test_without_a_worker_a_begun_job_is_interrupted_at_once_and_goes_on_with_the_next_one(tmp_path: Path) -> None:
    with job_site(tmp_path, step_s=0.4) as site:
        begun, waiting = site.job("job-1", ONE, 2), site.job("job-2", ONE, 1)
        unwanted = site.job("job-3", ONE, 1)
        assert site.state(begun) is JobState.QUEUED
        assert not site.app.jobs.worker_alive()
        site.cancel(unwanted)
        assert site.state(unwanted) is JobState.CANCELLED
        site.start_worker()
        until(lambda: site.points(begun) == [0], 30, "the first point")
        assert site.app.jobs.worker_alive()
        assert site.stop_worker() == 0
        assert not site.living()
        assert "WARNING" not in site.worker_log()
        assert (site.state(begun), site.state(waiting)) == (JobState.INTERRUPTED, JobState.QUEUED)
        site.resume(begun)
        assert site.state(begun) is JobState.INTERRUPTED, "nobody is there to take it up"
        site.start_worker()
        site.reaches(waiting, JobState.DONE)
        site.assert_faithful([begun, waiting])
        assert site.view(unwanted).job.outcome is JobState.CANCELLED, "the worker has written it down"
        assert site.begun(unwanted) == []


def test_recorded_and_never_queued_or_forgotten_by_the_engine_a_job_is_done_all_the_same(tmp_path: Path) -> None:
    with job_site(tmp_path, step_s=0.2) as site:
        site.start_worker()
        lost = site.record("job-1", ONE, 1)
        site.reaches(lost, JobState.DONE)
        half = site.job("job-2", TWO, 2)
        until(lambda: site.points(half) == [0], 30, "the first point")
        site.kill_worker()
        site.app.queue.close()
        for file in tmp_path.glob("jobs.db*"):
            file.unlink()
        site.start_worker()
        site.reaches(half, JobState.DONE)
        site.assert_faithful([lost, half])


def test_log_and_progress_are_readable_while_it_runs_and_a_second_worker_refuses(tmp_path: Path) -> None:
    with job_site(tmp_path, step_s=2.0) as site:
        job = site.job("job-1", ONE, 1)
        assert site.app.jobs.log_tail(job) == ("", 0)
        site.start_worker()
        until(lambda: done_requests(site, job) >= 3, 30, "progress")
        progress = site.view(job).progress
        assert progress is not None
        assert (progress.step, progress.total, progress.unit, progress.label) == (0, 10, "requests", "point_closed")
        assert progress.detail["concurrency"] == 1
        text, offset = site.app.jobs.log_tail(job)
        assert "point begins point=0" in text
        refuses_a_second_worker(site)
        site.reaches(job, JobState.DONE)
        more, end = site.app.jobs.log_tail(job, offset)
        assert "point measured" in more
        assert site.app.jobs.log_tail(job, end) == ("", end)
        engine_remembers_in_json_under_the_pinned_version(tmp_path)


def engine_remembers_in_json_under_the_pinned_version(home: Path) -> None:
    with closing(sqlite3.connect(home / "jobs.db")) as database:
        rows = database.execute("SELECT application_version, serialization FROM workflow_status").fetchall()
        output = database.execute("SELECT output FROM workflow_output").fetchone()
        steps = database.execute("SELECT output FROM operation_outputs").fetchall()
    assert rows == [(APPLICATION_VERSION, "portable_json")]
    assert [json.loads(said) for (said,) in (output, *steps)] == ["done", None]


def test_the_web_side_never_becomes_an_engine(tmp_path: Path) -> None:
    program = f"""
from core.bootstrap import compose
from core.domain.job import JobKind
from core.settings import read_settings
import sys
app = compose(read_settings({{"SEATRIAL_HOME": {str(tmp_path)!r}}}))
app.queue.enqueue("job-1", JobKind.BENCHMARK, "address:127.0.0.1:1", {{}})
assert app.queue.states(["job-1", "job-2"]) == {{"job-1": "queued"}}
import dbos._dbos
assert dbos._dbos._dbos_global_instance is None
assert "core.jobs.workflows" not in sys.modules and "core.jobs.engine" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "jobs.db").stat().st_mode & 0o077 == 0


def refuses_a_second_worker(site: Site) -> None:
    argv = [sys.executable, "-m", "core.worker"]
    second = subprocess.run(argv, cwd=ROOT, env=site.environment(), capture_output=True, timeout=30)
    assert second.returncode == 2
    assert f"worker_running(pid={site.workers[0].pid})" in second.stderr.decode()
    assert site.workers[0].poll() is None


def done_requests(site: Site, job: str) -> int:
    progress = site.view(job).progress
    return progress.done if progress else 0
