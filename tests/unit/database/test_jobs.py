"""Jobs, progress, heartbeats, deployments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.deployment import DeploymentState
from core.domain.job import JobKind, JobState, Reason
from core.errors import NotFoundError
from tests.fakes import samples

LATER = samples.NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def run(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    store.runs.add(samples.run())


def test_a_job_from_queued_to_failed_and_open_again(store: DatabaseStore) -> None:
    store.jobs.add(samples.job())
    assert store.jobs.get("job-1") == samples.job()
    store.jobs.mark_started("job-1", samples.NOW)
    store.jobs.mark_started("job-1", LATER)
    reason = Reason("tool_failed", {"tool": "loadgen", "exit_code": 1, "detail": None})
    store.jobs.finish("job-1", JobState.FAILED, LATER, reason)
    failed = replace(samples.job(), started_at=samples.NOW, ended_at=LATER, outcome=JobState.FAILED, reason=reason)
    assert store.jobs.get("job-1") == failed
    assert store.jobs.unfinished() == ()
    store.jobs.reopen("job-1")
    assert store.jobs.get("job-1") == replace(samples.job(), started_at=samples.NOW)


def test_unfinished_jobs_are_the_oldest_first_and_pages_the_newest(store: DatabaseStore) -> None:
    for number in range(4):
        store.jobs.add(samples.job(id=f"job-{number}", created_at=samples.NOW + timedelta(seconds=number)))
    store.jobs.finish("job-2", JobState.DONE, LATER)
    assert [job.id for job in store.jobs.unfinished()] == ["job-0", "job-1", "job-3"]
    page = store.jobs.page(1, 2)
    assert ([job.id for job in page.rows], page.total) == (["job-2", "job-1"], 4)


def test_only_the_latest_progress_is_kept(store: DatabaseStore) -> None:
    store.jobs.add(samples.job())
    assert store.jobs.progress(["job-1"]) == {}
    store.jobs.save_progress("job-1", samples.progress())
    store.jobs.save_progress("job-1", samples.progress(done=97, total=None, rate_per_s=None))
    assert store.jobs.progress(["job-1", "job-9"]) == {"job-1": samples.progress(done=97, total=None, rate_per_s=None)}


def test_the_last_beat_of_any_worker(store: DatabaseStore) -> None:
    assert store.jobs.last_beat() is None
    store.jobs.beat("host-a", LATER)
    store.jobs.beat("host-b", samples.NOW)
    store.jobs.beat("host-b", samples.NOW + timedelta(seconds=1))
    assert store.jobs.last_beat() == LATER


def test_an_unknown_job(store: DatabaseStore) -> None:
    for act in (store.jobs.get, store.jobs.reopen):
        with pytest.raises(NotFoundError) as caught:
            act("x")
        assert caught.value.params == {"kind": "job", "id": "x"}


def test_a_deployment_and_its_ends(store: DatabaseStore) -> None:
    planned = samples.deployment()
    store.deployments.add(planned)
    store.jobs.add(samples.job(id="job-d", kind=JobKind.DEPLOYMENT, run_id=None, deployment_id="d-1"))
    assert store.deployments.get("d-1") == planned
    store.deployments.update(replace(planned, container_id="c0ffee", state=DeploymentState.LOADING))
    params = {"name": "vllm_service", "exit_code": "1"}
    store.deployments.set_state(
        "d-1", DeploymentState.FAILED, at=LATER, reason_code="container_failed", reason_params=params
    )
    failed = store.deployments.get("d-1")
    assert (failed.container_id, failed.ended_at, failed.reason_code) == ("c0ffee", LATER, "container_failed")
    assert dict(failed.reason_params) == params
    assert store.deployments.list(include_ended=False) == ()
    assert store.deployments.list() == (failed,)
    store.deployments.set_state("d-1", DeploymentState.LOADING, at=LATER)
    again = store.deployments.get("d-1")
    assert (again.ended_at, again.reason_code, again.reason_params) == (None, None, ())
    assert store.deployments.list(include_ended=False) == (again,)


def test_a_stopped_deployment_has_not_ended(store: DatabaseStore) -> None:
    store.deployments.add(samples.deployment())
    store.deployments.set_state("d-1", DeploymentState.STOPPED, at=LATER)
    assert store.deployments.get("d-1").ended_at is None
    assert len(store.deployments.list(include_ended=False)) == 1
