"""A job: work that outlives the browser, in the states that a person sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Param = str | int | float | bool | None


class JobKind(StrEnum):
    """What a job does."""

    BENCHMARK = "benchmark"
    DEPLOYMENT = "deployment"
    EVALUATION = "evaluation"
    DATASETS = "datasets"
    WEBUI = "webui"
    DOWNLOAD = "download"
    IMAGE = "image"


class JobState(StrEnum):
    """Interrupted: begun, and its worker is gone. Cancelling: cancelled, and its child still lives."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_active(self) -> bool:
        """Whether the screen should keep watching it."""
        return self in {JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING}

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more without a person."""
        return self in {JobState.CANCELLED, JobState.FAILED, JobState.DONE}


@dataclass(frozen=True)
class Reason:
    """Why a job failed: an error's code and params (see core.errors)."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """The latest word from the running step. Counts are of ``unit`` (requests, layers, bytes ...)."""

    step: int
    label: str
    done: int
    total: int | None
    unit: str
    rate_per_s: float | None
    eta_s: float | None
    updated_at: datetime
    detail: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What our own tables know of a job; its live state comes from the queue (see services.jobs)."""

    id: str
    kind: JobKind
    title: str
    server_key: str
    created_at: datetime
    created_by: str
    steps_total: int
    run_id: str | None = None
    deployment_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: JobState | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class JobView:
    """A job as a person sees it."""

    job: Job
    state: JobState
    steps_done: int
    progress: Progress | None
    queue_position: int | None = None
