"""The state a person sees, from what two databases, a heartbeat and a lock say."""

from __future__ import annotations

import pytest

from core.domain.job import JobState
from core.domain.job_state import state_of
from tests.fakes import samples

NOT_BEGUN, BEGUN = samples.job(), samples.job(started_at=samples.NOW)
QUEUED, RUNNING, INTERRUPTED = JobState.QUEUED, JobState.RUNNING, JobState.INTERRUPTED
CANCELLING, CANCELLED, FAILED, DONE = JobState.CANCELLING, JobState.CANCELLED, JobState.FAILED, JobState.DONE


@pytest.mark.parametrize(
    ("begun", "engine", "alive", "expected"),
    [
        (False, QUEUED, True, QUEUED),
        (False, QUEUED, False, QUEUED),
        (False, None, False, QUEUED),
        (True, QUEUED, True, QUEUED),  # resumed, and waits for its turn
        (True, QUEUED, False, INTERRUPTED),
        (True, None, False, INTERRUPTED),
        (False, RUNNING, True, RUNNING),
        (True, RUNNING, True, RUNNING),
        (True, RUNNING, False, INTERRUPTED),
        (False, RUNNING, False, INTERRUPTED),
        (True, CANCELLED, True, CANCELLING),  # the worker has yet to write it down
        (True, CANCELLED, False, CANCELLED),
        (True, FAILED, True, FAILED),
        (True, DONE, False, DONE),
    ],
)
def test_without_an_outcome_the_engine_and_the_worker_decide(
    begun: bool, engine: JobState | None, alive: bool, expected: JobState
) -> None:
    job = BEGUN if begun else NOT_BEGUN
    assert state_of(job, engine, worker_alive=alive, holds_server=False) is expected


def test_cancelled_with_a_living_child_is_cancelling_whoever_says_so() -> None:
    assert state_of(BEGUN, CANCELLED, worker_alive=False, holds_server=True) is CANCELLING
    written = samples.job(outcome=CANCELLED)
    assert state_of(written, None, worker_alive=True, holds_server=True) is CANCELLING
    assert state_of(written, None, worker_alive=True, holds_server=False) is CANCELLED


@pytest.mark.parametrize("outcome", [FAILED, DONE])
def test_an_outcome_stands_against_everything(outcome: JobState) -> None:
    assert state_of(samples.job(outcome=outcome), RUNNING, worker_alive=False, holds_server=True) is outcome
