"""The release card finds the evaluations of the very versions that it compares."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.job import JobState, JobView
from core.services.benchmarks import BenchmarkService
from core.services.comparisons import ComparisonService
from core.services.endpoints import EndpointService
from core.services.evaluation_results import EvaluationResultService
from core.services.releases import ReleaseService
from render.comparison_report import accuracy_line, release_report
from render.texts import Texts
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulated_runs import evaluated, sweep

EN = Texts("en")
OLD, NEW = {"image_digest": "sha256:aa"}, {"image_digest": "sha256:bb"}


class Views:
    def view(self, job_id: str) -> JobView:
        return JobView(samples.job(id=job_id), JobState.DONE, 1, None)


@pytest.fixture
def releases(database: DatabaseStore) -> ReleaseService:
    clock = FakeClock()
    database.endpoints.add(samples.endpoint())
    endpoints = EndpointService(database.endpoints, FakeEndpointClient(clock), FakeSecrets(), clock)
    benchmarks = BenchmarkService(database, FakeJobQueue(clock.now()), endpoints, clock)
    sweep(database, "run-1", seed=1, version_label="R1", provenance=OLD, requests=60)
    sweep(database, "run-2", seed=2, version_label="0528", provenance=NEW, requests=60, slowdown=0.9)
    return ReleaseService(
        database, ComparisonService(database, benchmarks, clock), EvaluationResultService(database, Views())
    )


def asked(database: DatabaseStore, run_id: str, right: int, label: str, told: dict[str, Any], **changes: Any) -> None:
    evaluated(database, run_id, right, version_label=label, provenance=told, **changes)


def test_speed_alone_where_nothing_was_evaluated(releases: ReleaseService, database: DatabaseStore) -> None:
    card = releases.card("run-1", "run-2")
    assert (card.accuracy, card.evaluated) == (None, (False, False))
    assert accuracy_line(card, EN) == "Neither version was evaluated on a dataset yet."
    asked(database, "eval-1", 150, "R1", OLD)
    assert accuracy_line(releases.card("run-1", "run-2"), EN).startswith("Only the baseline")


def test_answers_of_the_same_versions_stand_beside(releases: ReleaseService, database: DatabaseStore) -> None:
    asked(database, "eval-1", 150, "R1", OLD)
    asked(database, "eval-2", 100, "R1", {"image_digest": "sha256:cc"}, created_at=samples.NOW + timedelta(1))
    asked(database, "eval-3", 160, "0528", NEW)
    asked(database, "eval-4", 20, "0528", NEW, dataset="mmlu", created_at=samples.NOW + timedelta(2))
    card = releases.card("run-1", "run-2")
    assert card.accuracy is not None
    assert (card.accuracy.before.id, card.accuracy.after.id) == ("eval-1", "eval-3"), "same version, same question"
    assert card.accuracy.datasets[0].gap == pytest.approx(0.05)
    assert card.pair.candidate.run.id == "run-2"


def test_one_version_has_no_answers_to_compare(releases: ReleaseService, database: DatabaseStore) -> None:
    sweep(database, "run-3", seed=3, version_label="R1", provenance=OLD, requests=60)
    asked(database, "eval-1", 150, "R1", OLD)
    assert releases.card("run-1", "run-3").accuracy is None


def test_the_card_is_one_file_in_both_languages_that_asks_for_nothing(
    releases: ReleaseService, database: DatabaseStore
) -> None:
    asked(database, "eval-1", 150, "R1", OLD)
    asked(database, "eval-3", 160, "0528", NEW)
    sweep(database, "run-9", seed=9, version_label="<script>alert(1)</script>", provenance=NEW, requests=60)
    text = release_report(releases.card("run-1", "run-2"), EN)
    assert text.count("<main lang=") == 2
    assert "0528 对比 R1" in text
    assert "gsm8k" in text
    assert len(text) < 5_500_000
    head = text.partition("<script>")[0]
    assert "http://" not in head
    assert "https://" not in head
    evil = release_report(releases.card("run-1", "run-9"), EN)
    assert "<script>alert" not in evil
