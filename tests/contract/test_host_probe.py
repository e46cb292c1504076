"""What every HostProbe says of one and the same folder: this machine's, and the fake that tests use."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.adapters.host_probe import LocalHostProbe
from core.ports import HostProbe
from tests.fakes.host_probe import FakeHostProbe

FILES: dict[str, Any] = {"models/a/config.json": {"x": 1}, "models/a/weights.bin": "w", "models/b.txt": "b"}


@pytest.fixture(params=["local", "fake"])
def probe(request: pytest.FixtureRequest, tmp_path: Path) -> HostProbe:
    if request.param == "fake":
        return FakeHostProbe({str(tmp_path / name): content for name, content in FILES.items()})
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return LocalHostProbe()


@pytest.fixture
def listening(probe: HostProbe) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        if isinstance(probe, FakeHostProbe):
            probe.ports[port] = "pytest"
        yield port


def test_paths(probe: HostProbe, tmp_path: Path) -> None:
    kinds = {name: probe.look(str(tmp_path / name)).kind for name in ("models", "models/a", "models/b.txt", "none")}
    assert kinds == {"models": "folder", "models/a": "folder", "models/b.txt": "file", "none": "absent"}
    assert probe.look(str(tmp_path / "models/a")).real_path == str((tmp_path / "models/a").resolve())


def test_contents(probe: HostProbe, tmp_path: Path) -> None:
    assert probe.list_dir(str(tmp_path / "models")) == ("a", "b.txt")
    assert probe.list_dir(str(tmp_path / "models/b.txt")) == ()
    assert probe.read_json(str(tmp_path / "models/a/config.json")) == {"x": 1}
    assert probe.read_json(str(tmp_path / "models/b.txt")) is None
    assert (probe.free_bytes(str(tmp_path / "models")) or 0) > 0
    assert probe.free_bytes(str(tmp_path / "none")) is None


def test_ports(probe: HostProbe, listening: int) -> None:
    assert probe.port_owner(listening)
    assert probe.port_owner(9) is None
    assert probe.sees_host


def test_who_listens(probe: HostProbe, listening: int) -> None:
    found = {one.port: one.process for one in probe.listeners()}
    assert found[listening]
    assert 9 not in found
    assert list(found) == sorted(found)


def test_files(probe: HostProbe, tmp_path: Path) -> None:
    path = str(tmp_path / "models/b.txt")
    if isinstance(probe, FakeHostProbe):
        probe.files[path] = b"b"
    found = probe.file(path)
    assert found is not None
    assert (found.size_bytes, found.mode & 0o400) == (1, 0o400)
    assert probe.file(str(tmp_path / "none")) is None
    assert probe.read_start(path, 10) == b"b"
    assert probe.read_start(path, 0) == b""
    assert probe.read_start(str(tmp_path / "none"), 1) is None


def test_the_machine_and_its_devices(probe: HostProbe, tmp_path: Path) -> None:
    facts = probe.facts()
    assert facts is not None
    assert facts.architecture
    assert (facts.memory_bytes or 0) > 0
    assert probe.sees(str(tmp_path))
    assert probe.sees_devices
    assert probe.nodes("/dev/no-such-device[0-9]*") == ()
    assert probe.node_users(()) == ()
