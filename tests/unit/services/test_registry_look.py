"""Whether a registry gives an image: asked aside, kept, and never waited for while a person types."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.finding import Severity
from core.errors import EngineError, EngineUnavailable
from core.services import registry_look
from core.services.registry_look import RegistryLook
from tests.deployment_world import World, codes
from tests.waiting import wait_for

IMAGE = "harbor.local/a/vllm:1"


class Registry:
    """Answers when it is let go."""

    def __init__(self, answer: bool | EngineError = False) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self.at_s = 0.0
        self.let_go.set()

    def ask(self, image: str) -> bool:
        self.asked.append(image)
        assert self.let_go.wait(10)
        if isinstance(self.answer, EngineError):
            raise self.answer
        return self.answer

    def look(self) -> RegistryLook:
        return RegistryLook(self.ask, now_s=lambda: self.at_s)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (True, []),
        (False, [("image_registry_absent", Severity.BLOCK)]),
        (EngineError("registry_denied"), [("image_registry_denied", Severity.WARN)]),
        (EngineError("registry_silent"), [("image_registry_silent", Severity.WARN)]),
        (EngineUnavailable(), [("image_registry_silent", Severity.WARN)]),
    ],
)
def test_what_a_registry_says(answer: bool | EngineError, expected: list[tuple[str, Severity]]) -> None:
    found = Registry(answer).look().findings(IMAGE, True)
    assert [(one.code, one.severity) for one in found] == expected
    assert all(one.params["registry"] == "harbor.local" for one in found)


def test_typing_does_not_wait_and_asks_for_one_name_at_a_time() -> None:
    registry = Registry()
    registry.let_go.clear()
    look = registry.look()
    assert [look.findings(f"harbor.local/a/v{n}:1", False) for n in range(5)] == [()] * 5
    wait_for(lambda: registry.asked)
    assert registry.asked == ["harbor.local/a/v0:1"]
    registry.let_go.set()
    wait_for(lambda: look.findings("harbor.local/a/v0:1", False))


def test_an_answer_is_kept_a_while_and_the_last_one_does_while_it_is_asked_anew() -> None:
    registry = Registry()
    look = registry.look()
    assert look.findings(IMAGE, True)
    assert look.findings(IMAGE, True)
    assert registry.asked == [IMAGE]
    registry.at_s, registry.answer = 31.0, True
    assert look.findings(IMAGE, False), "what was known last"
    wait_for(lambda: look.findings(IMAGE, False) == ())


def test_one_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_look, "WAIT_S", 0.01)
    registry = Registry()
    registry.let_go.clear()
    (finding,) = registry.look().findings(IMAGE, True)
    assert finding.code == "image_registry_silent"
    registry.let_go.set()


@pytest.mark.parametrize(("there", "told"), [(True, []), (False, [("image_registry_absent", "image")])])
def test_a_plan_says_it_of_an_image_that_is_not_here(
    database: DatabaseStore, tmp_path: Path, there: bool, told: list[tuple[str, str]]
) -> None:
    world = World(database, tmp_path)
    world.engine.not_in_registry = set() if there else {"vllm:typo"}
    look: Callable[[str, bool], tuple[object, ...]] = RegistryLook(world.engine.in_registry).findings
    world.service._planner._registry = look  # type: ignore[assignment]
    assert codes(world, image="vllm:typo") == [*told, ("image_will_be_pulled", "image")]
    assert codes(world) == []
