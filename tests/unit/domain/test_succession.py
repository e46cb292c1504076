"""What serves now what another endpoint served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.endpoint import Endpoint, ServedModel
from core.domain.succession import moved_url, successor
from tests.fakes import samples

OLD = samples.endpoint(deployment_id="d-1", archived_at=samples.NOW)
CONTAINERS = {"d-1": "vllm_service", "d-2": "vllm_service", "d-3": "another"}


def newer(name: str, *, served: tuple[str, ...] = (), **changes: object) -> Endpoint:
    found = samples.endpoint(id=f"ep-{name}", served_name=name, **changes)
    assert found.check is not None
    models = tuple(ServedModel(one) for one in served or (name,))
    checked = replace(found.check, served_models=models, checked_at=samples.NOW + timedelta(hours=1))
    return replace(found, check=checked, created_at=samples.NOW + timedelta(hours=1))


ELSEWHERE = "http://127.0.0.1:9000/v1"


@pytest.mark.parametrize(
    ("new", "takes_place"),
    [
        (newer("v2"), True),
        (newer("v2", archived_at=samples.NOW), False),
        (newer("adapter", served=("tiny", "adapter")), False),
        (newer("tiny-2", base_url=ELSEWHERE, deployment_id="d-2"), True),
        (newer("tiny-2", base_url=ELSEWHERE, deployment_id="d-3"), False),
        (newer("tiny-2", base_url=ELSEWHERE), False),
    ],
)
def test_who_takes_the_place_of_one_that_is_gone(new: Endpoint, takes_place: bool) -> None:
    assert (successor(OLD, [OLD, new], CONTAINERS) is new) is takes_place


def test_one_that_lives_gives_way_only_at_its_own_address_and_to_a_later_look() -> None:
    living = replace(OLD, archived_at=None)
    assert living.check is not None
    assert successor(living, [newer("v2")], CONTAINERS) is not None
    assert successor(living, [newer("v2", base_url=ELSEWHERE, deployment_id="d-2")], CONTAINERS) is None
    seen_since = replace(living, check=replace(living.check, checked_at=samples.NOW + timedelta(hours=2)))
    assert successor(seen_since, [newer("v2")], CONTAINERS) is None


def test_of_several_the_same_name_then_the_newest() -> None:
    same = newer("tiny", base_url=ELSEWHERE, deployment_id="d-2")
    assert successor(OLD, [newer("v2"), same], CONTAINERS) is same


@pytest.mark.parametrize(
    ("route", "old", "new", "moved"),
    [
        ("http://10.0.0.5:8000/v1", "http://127.0.0.1:8000/v1", "http://127.0.0.1:9000/v1", "http://10.0.0.5:9000/v1"),
        ("http://h:8000/v1", "http://127.0.0.1:8000/v1", "http://10.0.0.6:8000/v1", "http://10.0.0.6:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1", "http://[::1]:9000/a/v1", "http://[::1]:9000/a/v1"),
        ("http://h/v1", "http://127.0.0.1:8000/v1", "https://127.0.0.1:9000/v1", "https://127.0.0.1:9000/v1"),
    ],
)
def test_a_route_moves_with_its_service(route: str, old: str, new: str, moved: str) -> None:
    assert moved_url(route, old, new) == moved
