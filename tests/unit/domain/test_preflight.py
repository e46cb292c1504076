"""What a host must have before a container is started on it: each rule at its boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.adapters.catalog_files import load_catalog
from core.domain.finding import Finding, Severity
from core.domain.host import DeviceGroup, DeviceUser, HostFacts, ImageFacts, in_order, node_names
from core.domain.preflight import (
    GIB,
    CheckName,
    CheckState,
    PreflightFacts,
    Readable,
    Start,
    checklist,
    may_read,
    platform_of,
    preflight_findings,
)

CATALOG = load_catalog()
VA16 = CATALOG.platforms["vastai-va16"]
CPU = CATALOG.platforms["cpu-x86_64"]
HOST = HostFacts("h", "Linux", "x86_64", 128, 512 * GIB, 500 * GIB, 256 * GIB, iommu=False)
GROUP = DeviceGroup("/dev/vacc[0-9]*", ("vastai-va16",), node_names("/dev/vacc[0-9]*", 32))
IMAGE = ImageFacts("sha256:0", ("vllm:test",), "amd64", 20 * GIB, "1000")
READY = PreflightFacts(
    start=Start(tp=32, devices=32, host_ipc=True, weights_bytes=642 * 10**9),
    platform=VA16,
    host=HOST,
    devices=GROUP,
    image=IMAGE,
    image_name="vllm:test",
    engine_architecture="x86_64",
)


def codes(**changes: Any) -> list[str]:
    return [finding.code for finding in preflight_findings(replace(READY, **changes))]


def on_cpu(weights_gib: float, memory_gib: int = 64) -> list[str]:
    start = Start(weights_bytes=int(weights_gib * GIB), host_ipc=True)
    return codes(platform=CPU, devices=None, start=start, host=replace(HOST, memory_bytes=memory_gib * GIB))


def test_a_host_as_the_vendor_asks_says_nothing() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"engine_architecture": "aarch64"}, ["image_architecture"]),
        ({"engine_architecture": "amd64"}, []),
        ({"image": replace(IMAGE, architecture="arm64")}, ["image_architecture"]),
        ({"image": None, "image_disk": ("/var/lib/docker", 40 * GIB)}, []),
        ({"image": None, "image_disk": ("/var/lib/docker", 40 * GIB - 1)}, ["disk_short_for_image"]),
        ({"image_disk": ("/var/lib/docker", 1)}, []),
        ({"image": None, "login_missing": "harbor.local"}, ["registry_login_missing"]),
        ({"login_missing": "harbor.local"}, []),
        ({"devices": None}, ["devices_none"]),
        ({"devices": None, "sees_devices": False}, ["devices_not_visible"]),
        ({"devices": DeviceGroup("/dev/vacc[0-9]*", ("vastai-va16",), entered=32)}, []),
        ({"users": (DeviceUser("/dev/vacc1", "vllm", 7), DeviceUser("/dev/vacc2", "vllm", 7))}, ["device_in_use"]),
        ({"host": replace(HOST, iommu=True)}, ["iommu_on"]),
        ({"host": replace(HOST, iommu=None)}, []),
        ({"host": replace(HOST, memory_bytes=480 * GIB)}, ["memory_below_vendor"]),
        ({"host": replace(HOST, memory_bytes=500 * GIB)}, []),  # the kernel keeps some of what is built in
        ({"host": replace(HOST, cpus=127)}, ["cpus_below_vendor"]),
        ({"host": replace(HOST, shm_bytes=GIB - 1)}, ["host_shm_small"]),
        ({"host": None}, []),
        ({"platform": None}, []),
    ],
)
def test_each_shortcoming_at_its_boundary(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(**changes) == expected


@pytest.mark.parametrize(
    ("shm_bytes", "devices", "expected"),
    [
        (None, 1, []),
        (None, 2, ["shm_small"]),
        (GIB - 1, 2, ["shm_small"]),
        (GIB, 2, []),
        (512 * GIB + 1, 2, ["shm_over_memory"]),
    ],
)
def test_shared_memory_of_its_own(shm_bytes: int | None, devices: int, expected: list[str]) -> None:
    assert codes(start=Start(devices=devices, shm_bytes=shm_bytes)) == expected


def test_on_processors_the_weights_must_fit_in_memory() -> None:
    assert (on_cpu(64), on_cpu(65)) == ([], ["memory_short_for_weights"])


@pytest.mark.parametrize(
    ("user", "mode", "expected"),
    [
        ("", 0o600, []),
        ("root", 0o600, []),
        ("0:0", 0o600, []),
        ("1000", 0o600, ["weights_unreadable"]),
        ("1000", 0o640, ["weights_unreadable"]),
        ("1000:50", 0o640, []),
        ("77", 0o400, []),
        ("vllm", 0o600, ["weights_user_unsure"]),
    ],
)
def test_the_images_user_must_be_able_to_read(user: str, mode: int, expected: list[str]) -> None:
    closed = (Readable("/srv/m/config.json", 77, 50, mode),)
    assert codes(image=replace(IMAGE, user=user), closed=closed) == expected


def test_the_first_bits_that_apply_decide() -> None:
    assert not may_read(Readable("f", 5, 6, 0o044), 5, 6)
    assert not may_read(Readable("f", 5, 6, 0o404), 9, 6)
    assert may_read(Readable("f", 5, 6, 0o004), 9, 9)


@pytest.mark.parametrize(
    ("image", "platform"),
    [
        ("vllm/vllm-openai:v0.11.0", "nvidia-cuda"),
        ("vllm/vllm-openai", "nvidia-cuda"),
        ("mirror.local:5000/vllm/vllm-openai:v1", "nvidia-cuda"),
        ("harbor.local/ai_deliver/vllm_vacc:AI3.2_GR_1202", "vastai-va16"),
        ("ours/vllm:1", None),
    ],
)
def test_an_image_tells_its_platform(image: str, platform: str | None) -> None:
    found = platform_of(image, CATALOG)
    assert (found.device_nodes if found else None) == (CATALOG.platforms[platform].device_nodes if platform else None)


def test_of_platforms_that_share_an_image_only_what_they_share_is_kept() -> None:
    found = platform_of("x/ai_deliver/vllm_vacc:y", CATALOG)
    assert found is not None
    assert (found.card, found.host) == (None, None)


def test_the_checklist_says_what_is_well_what_is_not_and_what_cannot_be_seen() -> None:
    port = Finding("port_taken", Severity.BLOCK, "host_port", {"port": 8000})
    found = (*preflight_findings(replace(READY, host=replace(HOST, iommu=True))), port)
    states = {check.name: check.state for check in checklist(found, READY)}
    assert states == {
        CheckName.ENGINE: CheckState.OK,
        CheckName.IMAGE: CheckState.OK,
        CheckName.WEIGHTS: CheckState.OK,
        CheckName.DEVICES: CheckState.WARN,
        CheckName.MEMORY: CheckState.OK,
        CheckName.NETWORK: CheckState.BLOCK,
        CheckName.ARGUMENTS: CheckState.OK,
    }


def test_what_was_not_looked_at_is_never_in_order() -> None:
    nothing = {check.name for check in checklist((), PreflightFacts()) if check.state is CheckState.UNKNOWN}
    assert nothing == {
        CheckName.ENGINE, CheckName.IMAGE, CheckName.DEVICES, CheckName.MEMORY, CheckName.NETWORK,
    }  # fmt: skip
    blind = {check.name: check.state for check in checklist((), replace(READY, sees_ports=False))}
    assert (blind[CheckName.NETWORK], blind[CheckName.IMAGE]) == (CheckState.UNKNOWN, CheckState.OK)


def test_a_container_that_has_devices_open_is_named_once() -> None:
    users = tuple(DeviceUser(f"/dev/vacc{n % 2}", "python", n, "vllm_by_hand") for n in range(4))
    (finding,) = preflight_findings(replace(READY, users=users))
    assert (finding.code, finding.params) == (
        "device_in_container",
        {"container": "vllm_by_hand", "node": "/dev/vacc0", "count": 2},
    )


def test_devices_are_counted_in_order() -> None:
    assert in_order(["/dev/vacc10", "/dev/vacc2"]) == ("/dev/vacc2", "/dev/vacc10")
    assert GROUP.numbers == tuple(range(32))
    assert DeviceGroup("/dev/x*", (), entered=2).numbers == (0, 1)
    assert node_names("/dev/dri/renderD*", 2) == ("/dev/dri/renderD0", "/dev/dri/renderD1")
