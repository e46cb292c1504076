"""What a start finds, and every run that measures it remembers: weights, profile, devices, driver."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.host_probe import LocalHostProbe
from core.domain.access import LOCAL_OPERATOR
from core.domain.host import DeviceGroup
from core.domain.run_identity import run_identity
from core.services.fingerprint import weights_fingerprint
from core.services.provenance import provenance
from core.services.start_facts import StartLook, profile_revision
from tests.deployment_world import CATALOG, World
from tests.fakes.host_probe import FakeHostProbe

PROBE = LocalHostProbe()


def shard(values: bytes, name: str = "w") -> bytes:
    header = json.dumps({name: {"dtype": "U8", "shape": [len(values)], "data_offsets": [0, len(values)]}}).encode()
    return len(header).to_bytes(8, "little") + header + values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards with their index."""
    place = tmp_path / "models" / "tiny"
    place.mkdir(parents=True)
    (place / "config.json").write_text('{"architectures": ["Tiny"]}')
    (place / "model.safetensors.index.json").write_text('{"weight_map": {"w": "model-1.safetensors"}}')
    for number in (1, 2):
        (place / f"model-{number}.safetensors").write_bytes(shard(bytes([number]) * 200_000))
    (place / "README.md").write_text("a card")
    return place


def changed(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        changed("config.json", b'{"architectures": ["Tiny"], "rope_scaling": 2}'),
        changed("model.safetensors.index.json", b"{}"),
        changed("model-1.safetensors", shard(b"\x07" * 200_000)),
        changed("model-1.safetensors", shard(b"\x01" * 200_001)),
        changed("model-1.safetensors", shard(b"\x01" * 200_000, name="v")),
        changed("model-3.safetensors", shard(b"\x03")),
        changed("adapter.bin", b"x"),
        lambda folder: (folder / "model-2.safetensors").unlink(),
        lambda folder: (folder / "model-2.safetensors").rename(folder / "model-9.safetensors"),
    ],
    ids=["config", "index", "finetuned", "longer", "tensor", "another", "format", "fewer", "renamed"],
)
def test_other_weights_have_another_fingerprint(folder: Path, change: Callable[[Path], object]) -> None:
    before = weights_fingerprint(PROBE, str(folder))
    assert before is not None
    assert before.startswith("w1:")
    change(folder)
    after = weights_fingerprint(PROBE, f"{folder}/")
    assert after not in {None, before}


def test_a_copy_has_the_same_whatever_its_card_says(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    (copy / "README.md").write_text("another card")
    assert weights_fingerprint(PROBE, str(copy)) == weights_fingerprint(PROBE, str(folder))


def test_what_lies_far_inside_is_not_seen_as_documented(folder: Path) -> None:
    before = weights_fingerprint(PROBE, str(folder))
    (folder / "model-1.safetensors").write_bytes(shard(b"\x01" * 199_999 + b"\x09"))
    assert weights_fingerprint(PROBE, str(folder)) == before


def test_where_it_cannot_be_told_there_is_none(folder: Path) -> None:
    assert weights_fingerprint(PROBE, str(folder / "none")) is None
    assert weights_fingerprint(FakeHostProbe({"/w/config.json": b"{}"}), "/w") is None, "no weights"
    elsewhere = FakeHostProbe({"/w/model.safetensors": shard(b"1")}, sees_host=False)
    assert weights_fingerprint(elsewhere, "/w") is None, "another machine's"
    unread = FakeHostProbe({"/w/model.safetensors": {}})
    assert weights_fingerprint(unread, "/w") is None, "half of it would be a lie"


def test_every_run_remembers_what_the_start_found(database: DatabaseStore, tmp_path: Path, folder: Path) -> None:
    world = World(database, tmp_path)
    group = DeviceGroup("/dev/nvidia[0-9]*", ("nvidia-cuda",), tuple(f"/dev/nvidia{number}" for number in range(8)))
    look = StartLook(PROBE, lambda: CATALOG, lambda: (group,))
    world.service._steps._found = look
    asked = {"platform": "nvidia-cuda", "serve_args": ("--tensor-parallel-size", "2")}

    def remembered() -> dict[str, object]:
        deployment_id = world.start(**asked)
        found = world.store.deployments.get(deployment_id)
        assert found.request is not None
        request = replace(found.request, weights=str(folder), profile="deepseek-r1.tp32")
        world.store.deployments.update(replace(found, request=request))
        world.service.step_create(deployment_id)
        deployment = world.store.deployments.get(deployment_id)
        world.serve(deployment_id)
        assert world.service.step_wait_ready(deployment_id)
        world.service.step_register_endpoint(deployment_id)
        (endpoint,) = world.endpoints.list()
        told = provenance(endpoint, world.store.deployments.get(deployment_id), product_version="1", host={})
        assert told["weights_fingerprint"] == deployment.facts.weights_fingerprint
        world.finish_job(deployment_id)
        world.service.remove(LOCAL_OPERATOR, deployment_id)
        world.client.servers.clear()
        return told

    first = remembered()
    assert first["weights_fingerprint"] == weights_fingerprint(PROBE, str(folder))
    assert first["profile_revision"] == profile_revision(CATALOG, "deepseek-r1.tp32")
    assert (first["device_kind"], first["devices"], first["devices_there"]) == ("/dev/nvidia[0-9]*", 2, 8)
    (folder / "model-1.safetensors").write_bytes(shard(b"\x07" * 200_000))
    second = remembered()
    keys = {run_identity("tiny", "label", told).version_key for told in (first, second)}
    assert len(keys) == 2, "other weights at the same path are another version"


def test_a_profile_that_changed_has_another_revision() -> None:
    key = "deepseek-r1.tp32"
    entry = CATALOG.entry(key)
    assert entry is not None
    group = CATALOG.groups[entry.model.profiles]
    profiles = tuple(replace(one, max_model_len=1) if one.name == "tp32" else one for one in group.profiles)
    other = replace(CATALOG, groups={**CATALOG.groups, group.group: replace(group, profiles=profiles)})
    assert profile_revision(other, key) != profile_revision(CATALOG, key)
    assert profile_revision(CATALOG, None) is None


@pytest.mark.parametrize(("sees", "driver"), [(True, "550.54.14"), (False, None)])
def test_the_driver_is_read_where_the_machine_is_seen(
    database: DatabaseStore, tmp_path: Path, sees: bool, driver: str | None
) -> None:
    world = World(database, tmp_path)
    probe = FakeHostProbe({"/sys/module/nvidia/version": b"550.54.14\n"})
    probe.sees_devices = sees
    deployment = world.store.deployments.get(world.start(platform="nvidia-cuda"))
    assert StartLook(probe, lambda: CATALOG, tuple).look(deployment).driver == driver
