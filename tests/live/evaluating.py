"""A real EvalScope against the simulated vLLM, whose share of right answers is known."""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Origin
from core.domain.evaluation import DatasetChoice, EvaluationRequest, Sampling, ScoreRow
from core.domain.job import Job
from simulator.known import Fate, Known, Shares
from tests.live.job_site import Site

EACH = 60


def start(site: Site, url: str, *choices: DatasetChoice, **changes: Any) -> Job:
    """Attaches the server and queues an evaluation of it."""
    endpoint = site.app.endpoints.attach(LOCAL_OPERATOR, url, origin=Origin.SIMULATED)
    asked = {"sampling": Sampling(0.0), "max_tokens": 64, "batch_size": 8, **changes}
    request = EvaluationRequest(endpoint.id, choices, **asked)
    return site.app.evaluations.start(LOCAL_OPERATOR, site.app.evaluations.plan(request)).job


def expected(shares: Shares) -> Counter[Fate]:
    """What becomes of the sixty questions of one language."""
    return Counter(shares.fate(Known(place, "1", ())) for place in range(EACH))


def scores(site: Site, run_id: str) -> dict[tuple[str, str | None], ScoreRow]:
    """By dataset and subset."""
    return {(row.dataset, row.subset): row for row in site.app.store.evaluations.scores(run_id) if row.is_primary}
