"""A start as a story: the stages it passes, how long each took, and how long it took before."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.deployment import Deployment, DeploymentState, StageMark

STAGES = ("image", "engine", "weights", "kv_cache", "warmup", "ready")
"""As a person sees them, in order."""
SERVED = "served"
"""The mark after the last stage."""
_STAGE_OF = {
    "pull": "image",
    "create": "image",
    "boot": "engine",
    "engine": "engine",
    "weights": "weights",
    "kv_cache": "kv_cache",
    "warmup": "warmup",
    "check": "ready",
}
_OVER = frozenset({DeploymentState.FAILED, DeploymentState.LOST, DeploymentState.STOPPED, DeploymentState.REMOVED})


class StageState(StrEnum):
    """Skipped: a later stage was reached and this one left no sign."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class StageView:
    """``expected_s``: how long earlier starts of the same model took for it, their median; None: there was none."""

    stage: str
    state: StageState
    elapsed_s: float | None = None
    expected_s: float | None = None


@dataclass(frozen=True)
class Story:
    """``left_s``: until it is ready, by earlier starts; None where none is known or it takes longer than they did."""

    stages: tuple[StageView, ...]
    elapsed_s: float
    expected_s: float | None = None

    @property
    def left_s(self) -> float | None:
        """Never negative: what is overdue has no estimate."""
        if self.expected_s is None or self.elapsed_s >= self.expected_s:
            return None
        return self.expected_s - self.elapsed_s


def stage_of(progress_stage: str) -> str | None:
    """The stage that a worker's word belongs to; None for a word about something else."""
    return _STAGE_OF.get(progress_stage)


def story(deployment: Deployment, now: datetime, earlier: Iterable[Deployment] = ()) -> Story:
    """How its latest start went so far. ``earlier``: other deployments, of which those that served the same model from
    the same image count."""
    marks = {mark.stage: mark.at for mark in deployment.stages}
    spans = _spans(deployment.stages)
    expected = _expected([one for one in earlier if _same_start(one, deployment)])
    reached = [stage for stage in STAGES if stage in marks]
    current = reached[-1] if reached and SERVED not in marks else None
    views = tuple(_view(stage, deployment, marks, spans, current, now, expected) for stage in STAGES)
    begun = min(marks.values(), default=deployment.created_at)
    end = marks.get(SERVED) or (deployment.ended_at if deployment.state in _OVER else None) or now
    total = sum(expected.values()) if expected else None
    return Story(views, max((end - begun).total_seconds(), 0.0), total)


def _view(
    stage: str,
    deployment: Deployment,
    marks: Mapping[str, datetime],
    spans: Mapping[str, float],
    current: str | None,
    now: datetime,
    expected: Mapping[str, float],
) -> StageView:
    usual = expected.get(stage)
    if stage == current:
        end = deployment.ended_at or now
        state = StageState.FAILED if deployment.state in _OVER else StageState.ACTIVE
        return StageView(stage, state, max((end - marks[stage]).total_seconds(), 0.0), usual)
    if stage in marks:
        return StageView(stage, StageState.DONE, spans.get(stage), usual)
    passed = SERVED in marks or any(later in marks for later in STAGES[STAGES.index(stage) :])
    return StageView(stage, StageState.SKIPPED if passed else StageState.WAITING, None, usual)


def _spans(marks: Sequence[StageMark]) -> Mapping[str, float]:
    """Seconds from each mark to the next."""
    ordered = sorted(marks, key=lambda mark: mark.at)
    return {one.stage: (following.at - one.at).total_seconds() for one, following in itertools.pairwise(ordered)}


def _expected(earlier: Sequence[Deployment]) -> Mapping[str, float]:
    found: dict[str, list[float]] = {}
    for deployment in earlier:
        for stage, span in _spans(deployment.stages).items():
            if stage in STAGES:
                found.setdefault(stage, []).append(span)
    return {stage: statistics.median(spans) for stage, spans in found.items()}


def _same_start(one: Deployment, other: Deployment) -> bool:
    served = any(mark.stage == SERVED for mark in one.stages)
    alike = (one.spec.image, one.spec.command[:3]) == (other.spec.image, other.spec.command[:3])
    return one.id != other.id and served and alike
