"""A start as stages with their times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.domain.deployment import Deployment, DeploymentState, StageMark
from core.domain.storyboard import SERVED, StageState, stage_of, story
from tests.fakes import samples
from tests.fakes.samples import NOW


def started(*spans: tuple[str, float], state: DeploymentState = DeploymentState.LOADING, id: str = "a") -> Deployment:
    """Stages, each with the seconds from the start."""
    marks = tuple(StageMark(stage, NOW + timedelta(seconds=at)) for stage, at in spans)
    return replace(samples.deployment(), id=id, state=state, stages=marks, ended_at=None)


FULL = (("image", 0), ("engine", 10), ("weights", 30), ("kv_cache", 130), ("ready", 140), (SERVED, 141))


def test_the_active_stage_grows_and_what_left_no_sign_is_skipped() -> None:
    told = story(started(("image", 0), ("weights", 30)), NOW + timedelta(seconds=50))
    states = {view.stage: view.state for view in told.stages}
    assert states["image"] is StageState.DONE
    assert states["engine"] is StageState.SKIPPED
    assert states["weights"] is StageState.ACTIVE
    assert states["kv_cache"] is StageState.WAITING
    assert next(view.elapsed_s for view in told.stages if view.stage == "weights") == 20
    assert told.elapsed_s == 50
    assert told.expected_s is None


def test_earlier_starts_of_the_same_model_tell_what_to_expect() -> None:
    earlier = [started(*FULL, state=DeploymentState.READY, id="b")]
    other = replace(started(*FULL, id="c"), spec=replace(samples.deployment().spec, image="another:1"))
    now = started(("image", 0), ("engine", 5))
    told = story(now, NOW + timedelta(seconds=20), [*earlier, other, now])
    assert told.expected_s == 141
    assert told.left_s == 121
    assert {view.stage: view.expected_s for view in told.stages}["weights"] == 100
    assert story(now, NOW + timedelta(seconds=500), earlier).left_s is None, "what is overdue has no estimate"


def test_a_failed_start_shows_where() -> None:
    ended = NOW + timedelta(seconds=42)
    failed = replace(started(("image", 0), ("engine", 12), state=DeploymentState.FAILED), ended_at=ended)
    told = story(failed, NOW + timedelta(days=1))
    assert {view.stage: view.state for view in told.stages}["engine"] is StageState.FAILED
    assert told.elapsed_s == 42


def test_a_served_one_has_ended() -> None:
    told = story(started(*FULL, state=DeploymentState.READY), NOW + timedelta(days=9))
    assert told.elapsed_s == 141
    assert {view.state for view in told.stages} == {StageState.DONE, StageState.SKIPPED}


def test_words_about_something_else_are_no_stage() -> None:
    assert stage_of("boot") == "engine"
    assert stage_of("away") is None
