"""How a workflow ends its job, without the engine."""

from __future__ import annotations

import pytest

from core.domain.job import JobState, Reason
from core.errors import StoreError
from core.jobs import workflows


class Work:
    """Meets what is in ``troubles``, one a call, before its end is written."""

    def __init__(self, *troubles: str) -> None:
        self.troubles = list(troubles)
        self.ends: list[tuple[JobState, Reason | None]] = []

    def begin(self, job_id: str) -> int:
        return 1

    async def do(self, job_id: str, step: int) -> Reason | None:
        return None

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        if self.troubles:
            raise StoreError(self.troubles.pop(0), detail="")
        self.ends.append((outcome, reason))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows, "_END_AGAIN_S", 0.0)


@pytest.mark.parametrize("outcome", [JobState.DONE, JobState.FAILED])
async def test_an_end_that_meets_a_lock_or_a_full_disk_is_written_as_it_was_later(outcome: JobState) -> None:
    work = Work("store_locked", "disk_full", "store_locked")
    assert await workflows._end(work, "job-1", outcome, Reason("endpoint_gone")) == outcome.value
    assert work.ends == [(outcome, Reason("endpoint_gone"))]


async def test_another_trouble_is_not_waited_for() -> None:
    work = Work("store_error")
    with pytest.raises(StoreError):
        await workflows._end(work, "job-1", JobState.DONE)
    assert work.ends == []


@pytest.mark.parametrize(("still_cancelled", "ends"), [(True, [(JobState.CANCELLED, None)]), (False, [])])
async def test_a_cancelled_job_that_was_resumed_meanwhile_is_left_to_who_resumed_it(
    still_cancelled: bool, ends: list[tuple[JobState, Reason | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "_runtime", workflows.Runtime({}, lambda job_id: still_cancelled))
    work = Work()
    await workflows._end(work, "job-1", JobState.CANCELLED)
    assert work.ends == ends
