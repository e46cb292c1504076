"""kill -9 of the worker at random moments costs nothing."""

from __future__ import annotations

import random
import time
from pathlib import Path

from core.domain.job import JobState
from tests.live.job_site import ONE, TWO, Site, job_site, until


def soak(site: Site, kills: int, steps: int, seed: int) -> list[str]:
    """Jobs on two servers, one of whose children leaves a process behind that nothing but SIGKILL ends, while the
    worker is killed ``kills`` times, ``seed`` says when."""
    moments = random.Random(seed)
    jobs = [
        site.job("job-a1", ONE, steps),
        site.job("job-b1", TWO, steps, "stubborn"),
        site.job("job-a2", ONE, steps),
        site.job("job-b2", TWO, steps, "tiny"),
    ]
    for _ in range(kills):
        site.start_worker()
        begun = len(site.journal())
        until(lambda begun=begun: len(site.journal()) > begun or done(site, jobs), 30, "a child to begin")  # type: ignore[misc]
        time.sleep(moments.uniform(0.0, 3 * site.step_s))
        site.kill_worker()
    site.start_worker()
    until(lambda: done(site, jobs), 30 + steps * site.step_s * 4, "all jobs to be done")
    return jobs


def done(site: Site, jobs: list[str]) -> bool:
    return all(site.state(job) is JobState.DONE for job in jobs)


def test_three_kills_lose_nothing_repeat_nothing_and_never_put_two_on_a_server(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    with job_site(tmp_path, step_s=0.2) as site:
        site.assert_faithful(soak(site, kills=3, steps=3, seed=seed))
        assert site.stop_worker() == 0
        assert not site.living()
