"""A real EvalScope, started by a real worker, against the simulated vLLM."""

from __future__ import annotations

from pathlib import Path

from core.domain.benchmark import RunState
from core.domain.evaluation import DatasetChoice
from core.domain.evaluation_reading import SampleFilter
from core.domain.job import JobState
from simulator.known import Fate, Shares
from tests.live import evaluating
from tests.live.job_site import job_site
from tests.simulated import simulated

SHARES = Shares(right=0.75, truncated=0.1, overflow=0.05)
FAULTS = ("--fault", "known-truncated:0.1", "--fault", "known-overflow:0.05", "--ttft-ms", "5", "--itl-ms", "1")


def test_every_answer_is_found_as_it_was_meant(tmp_path: Path) -> None:
    """Right, wrong, cut off and refused: to the last question, as the simulated model dealt them out."""
    told = evaluating.expected(SHARES)
    with job_site(tmp_path) as site, simulated(*FAULTS) as server:
        job = evaluating.start(site, server.base_url, DatasetChoice("logic", ("en",)))
        site.start_worker("core.worker")
        site.reaches(job.id, JobState.DONE, 120)
        run_id = job.run_id or ""
        row = evaluating.scores(site, run_id)["logic", None]
        assert (row.n, row.truncated, row.overflow, row.errored) == (
            *(evaluating.EACH, told[Fate.TRUNCATED], told[Fate.OVERFLOW]),
            0,
        )
        assert row.score == round(told[Fate.RIGHT] / evaluating.EACH, 4)
        assert site.app.store.runs.head(run_id).state is RunState.COMPLETE
        kept = site.app.store.evaluations.samples(run_id, SampleFilter(), 0, 100)
        assert (kept.total, sum(one.score or 0 for one in kept.rows)) == (evaluating.EACH, told[Fate.RIGHT])
        (dataset,) = site.app.store.evaluations.datasets(run_id)
        assert (dataset.conditions.evaluation_version, dataset.conditions.limit) == ("v1.1", "")
        assert row.output_tokens is not None and row.output_tokens > 0
