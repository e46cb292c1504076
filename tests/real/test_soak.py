"""Dozens of kills of the worker, at random moments over many steps on two servers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.live.job_site import job_site
from tests.live.test_jobs_killed import soak

KILLS = 30


@pytest.mark.real
def test_dozens_of_kills_lose_nothing_repeat_nothing_and_never_put_two_on_a_server(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    with job_site(tmp_path, step_s=0.25) as site:
        site.assert_faithful(soak(site, kills=KILLS, steps=12, seed=seed))
        assert site.stop_worker() == 0
        assert not site.living()
