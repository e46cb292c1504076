"""Preflight: facts gathered from engine, host and folder for one request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.catalog_files import load_catalog
from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.container import ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentRequest
from core.domain.host import DeviceUser, ImageFacts, TakenPort, node_names
from core.domain.preflight import CheckName, CheckState
from core.errors import BadInput, NotAllowed, NotFoundError
from core.services.hosts import HostService
from core.services.preflight import PreflightService
from core.services.weights_findings import weights_findings
from core.services.weights_reading import WeightsReader
from core.settings import read_settings
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import WHOLE, FakeHostProbe

FOLDER = "/srv/models/tiny"
VA16 = "vastai-va16"
NODES = "/dev/vacc[0-9]*"
REQUEST = DeploymentRequest(
    image="vllm:test", weights=FOLDER, served_name="tiny", platform=VA16, serve_args=("-tp", "4"), devices=(0, 1, 2, 3)
)


class World:
    def __init__(self, database: DatabaseStore, home: Path) -> None:
        self.engine = FakeEngine()
        self.probe = FakeHostProbe(
            {f"{FOLDER}/config.json": {"architectures": ["LlamaForCausalLM"]}, f"{FOLDER}/model.safetensors": WHOLE}
        )
        self.probe.devices = node_names(NODES, 32)
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.hosts = HostService(
            self.engine, self.probe, database.preferences, lambda: load_catalog().platforms, settings
        )
        self.preflight = PreflightService(self.engine, self.probe, self.hosts, load_catalog)

    def codes(self, request: DeploymentRequest = REQUEST) -> list[str]:
        self.preflight = PreflightService(self.engine, self.probe, self.hosts, load_catalog)
        return [finding.code for finding in self.preflight.check(request)]


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_host_in_order_says_nothing(world: World) -> None:
    assert world.codes() == []


def test_every_shortcoming_at_once(world: World) -> None:
    world.engine.facts["vllm:test"] = ImageFacts("sha256:0", ("vllm:test",), "arm64", 1, "1000")
    world.probe.users = (DeviceUser("/dev/vacc2", "python", 42),)
    world.probe.owners[f"{FOLDER}/model.safetensors"] = (0, 0, 0o600)
    assert world.probe.host is not None
    world.probe.host = replace(world.probe.host, iommu=True)
    assert world.codes() == ["image_architecture", "weights_unreadable", "device_in_use", "iommu_on"]
    checks = {check.name: check.state for check in world.preflight.look(REQUEST).checks(world.preflight.check(REQUEST))}
    assert checks[CheckName.IMAGE] is checks[CheckName.WEIGHTS] is CheckState.BLOCK
    assert checks[CheckName.DEVICES] is CheckState.WARN


def test_only_our_own_containers_are_left_out_of_who_has_devices_open(world: World) -> None:
    spec = ContainerSpec("by_hand", "vllm:test", labels={"seatrial.deployment": "x"})
    stranger = world.engine.create_or_adopt(spec, {})
    world.probe.users = (
        DeviceUser("/dev/vacc0", "python", 1, "ours"),
        DeviceUser("/dev/vacc1", "python", 2, stranger.id),
        DeviceUser("/dev/vacc2", "python", 3, "f" * 64),
    )
    service = PreflightService(world.engine, world.probe, world.hosts, load_catalog, deployed=lambda: ["ours"])
    assert [(one.code, one.params.get("container")) for one in service.check(REQUEST)] == [
        ("device_in_container", "by_hand"),
        ("device_in_container", "f" * 12),
    ]


def test_taken_ports_are_told_with_their_owner(world: World) -> None:
    spec = ContainerSpec("web", "vllm:test", labels={"seatrial.deployment": "x"}, ports=(PublishedPort(8000, 80),))
    world.engine.create_or_adopt(spec, {})
    world.probe.ports = {8000: "docker-proxy (7)", 22: "", 5000: "python (9)"}
    assert world.hosts.get().ports == (
        TakenPort(22, "", container=False),
        TakenPort(5000, "python (9)", container=False),
        TakenPort(8000, "web", container=True),
    )


def test_another_model_than_the_chosen_one(world: World) -> None:
    (finding,) = world.preflight.check(replace(REQUEST, profile="deepseek-r1-0528.tp32"))
    assert (finding.code, finding.params["found"]) == ("weights_other_model", "LlamaForCausalLM")
    world.probe.files[f"{FOLDER}/config.json"] = {"architectures": ["DeepseekV3ForCausalLM"]}
    assert world.codes(replace(REQUEST, profile="deepseek-r1-0528.tp32")) == []


def test_the_image_tells_the_platform_where_none_is_chosen(world: World) -> None:
    world.probe.devices = ()
    image = "x/ai_deliver/vllm_vacc:AI3.2_GR_1202"
    world.engine.images[image] = "sha256:1"
    assert world.codes(replace(REQUEST, platform=None, image=image)) == ["devices_none"]


@pytest.mark.parametrize(
    ("image", "expected"), [("harbor.local/a/b:1", ["registry_login_missing"]), ("a/b:1", []), ("ghcr.io/a/b:1", [])]
)
def test_a_private_registry_without_a_login(world: World, image: str, expected: list[str]) -> None:
    assert world.codes(replace(REQUEST, image=image)) == expected


def test_an_engine_that_is_away_is_the_plans_to_say(world: World) -> None:
    world.engine.down = "no socket"
    assert world.codes() == []


# ---------------------------------------------------------------- damaged weights


def shard(promised: int, there: int) -> bytes:
    header = b'{"w": {"dtype": "I8", "data_offsets": [0, %d]}}' % promised
    return len(header).to_bytes(8, "little") + header + bytes(there)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (shard(100, 100), None),
        (shard(100, 99), "weights_cut"),
        (shard(100, 101), "weights_too_long"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "weights_lfs_pointer"),
        (b"", "weights_header_bad"),
        (b"<html>not found</html>", "weights_header_bad"),
    ],
)
def test_each_file_against_its_own_header(world: World, content: bytes, code: str | None) -> None:
    world.probe.files[f"{FOLDER}/model.safetensors"] = content
    world.probe.files[f"{FOLDER}/tokenizer.json"] = {}
    request = replace(REQUEST, serve_args=())
    assert [finding.code for finding in weights_findings(request, world.probe)] == ([code] if code else [])


def test_a_header_is_read_once_as_long_as_the_file_is_the_same(world: World) -> None:
    reader, reads = WeightsReader(world.probe), []
    whole = world.probe.read_start
    world.probe.read_start = lambda path, count: reads.append(path) or whole(path, count)  # type: ignore[func-returns-value,method-assign]
    for _ in range(3):
        assert reader.damaged(FOLDER, ("model.safetensors",)) == ()
    assert len(reads) == 2, "prefix and header"


# ---------------------------------------------------------------- the inventory


def test_the_inventory_of_a_host(world: World) -> None:
    host = world.hosts.get()
    group = host.devices_of(VA16)
    assert group is not None
    assert (group.count, group.nodes[0], group.nodes[-1]) == (32, "/dev/vacc0", "/dev/vacc31")
    assert [image.names for image in host.images] == [("vllm:test",)]
    assert host.engine is not None
    assert {disk.purpose for disk in host.disks} >= {"weights", "data"}
    with pytest.raises(NotFoundError):
        world.hosts.get("elsewhere")


def test_without_an_engine_the_machine_is_still_told(world: World) -> None:
    world.engine.down = "no socket"
    host = world.hosts.get()
    assert host.engine is None
    assert host.problem is not None
    assert host.problem[0] == "engine_unavailable"
    assert host.devices[0].count == 32


def test_devices_that_cannot_be_seen_are_entered(world: World) -> None:
    world.probe.devices, world.probe.sees_devices = (), False
    assert world.codes() == ["devices_not_visible"]
    world.hosts.enter_devices(LOCAL_OPERATOR, VA16, 64)
    assert world.hosts.devices()[0].count == 64
    assert world.codes() == []
    world.hosts.enter_devices(LOCAL_OPERATOR, VA16, None)
    assert world.hosts.devices() == ()
    for bad in (-1, 5000):
        with pytest.raises(BadInput):
            world.hosts.enter_devices(LOCAL_OPERATOR, VA16, bad)
    with pytest.raises(NotAllowed):
        world.hosts.enter_devices(Actor("eve", Role.VIEWER), VA16, 1)
