"""Folders and ports of this very machine."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from core.adapters import host_probe
from core.adapters.host_probe import LocalHostProbe

PROBE = LocalHostProbe()


def test_what_is_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    kinds = {name: PROBE.look(str(tmp_path / name)).kind for name in ("", "file", "link", "broken", "x\0y")}
    assert kinds == {"": "folder", "file": "file", "link": "file", "broken": "absent", "x\0y": "absent"}
    assert PROBE.look(str(tmp_path / "link")).real_path == os.path.realpath(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    assert PROBE.look(str(folder)).kind == "denied"
    assert PROBE.list_dir(str(folder)) == ()


def test_what_a_folder_and_a_file_hold(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"a": 1}')
    (tmp_path / "a.txt").write_text("[1")
    assert PROBE.list_dir(str(tmp_path)) == ("a.txt", "b.json")
    assert PROBE.read_json(str(tmp_path / "b.json")) == {"a": 1}
    assert PROBE.read_json(str(tmp_path / "a.txt")) is None
    assert PROBE.read_json(str(tmp_path / "none")) is None
    assert PROBE.list_dir(str(tmp_path / "none")) == ()
    assert (PROBE.free_bytes(str(tmp_path)) or 0) > 0
    assert PROBE.free_bytes(str(tmp_path / "none")) is None


@pytest.mark.parametrize("tables", [True, False])
def test_who_listens_on_a_port(tables: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not tables:
        monkeypatch.setattr(host_probe, "_PROC", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        owner = PROBE.port_owner(port, "127.0.0.1")
        assert owner is not None
        assert (str(os.getpid()) in owner) is tables
        assert PROBE.port_owner(port) is not None
        assert PROBE.port_owner(port, "127.0.0.2") is None
    assert PROBE.port_owner(port, "127.0.0.1") is None


def test_who_was_named_last_is_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form asks with every keystroke; a server has thousands of processes."""
    probe = LocalHostProbe()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        named = probe.port_owner(server.getsockname()[1])
        monkeypatch.setattr(host_probe, "_processes", lambda: iter(()))
        assert named is not None and str(os.getpid()) in named
        assert probe.port_owner(server.getsockname()[1]) == probe.port_owner(other.getsockname()[1]) == named


def test_a_listener_on_every_ipv6_address_takes_the_ipv4_ones_too() -> None:
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            server.bind(("::", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        server.listen()
        assert PROBE.port_owner(server.getsockname()[1], "127.0.0.1") is not None


def test_inside_a_container_only_what_is_shared_is_the_hosts_own(tmp_path: Path) -> None:
    shared, dev = tmp_path / "weights", tmp_path / "dev"
    (dev / "dri").mkdir(parents=True)
    for name in ("vacc10", "vacc2", "vacc_ctl", "dri/renderD128"):
        (dev / name).touch()
    probe = LocalHostProbe(sees_host=False, shared=(shared,), devices=dev)
    assert (probe.sees(str(shared / "m")), probe.sees("/etc"), probe.sees_devices) == (True, False, True)
    assert probe.nodes("/dev/vacc[0-9]*") == ("/dev/vacc2", "/dev/vacc10")
    assert probe.nodes("/dev/dri/renderD*") == ("/dev/dri/renderD128",)
    assert probe.nodes("/etc/*") == ()
    facts = probe.facts()
    assert facts is not None
    assert facts.shm_bytes is None, "its /dev/shm is the container's"
    blind = LocalHostProbe(sees_host=False)
    assert (blind.facts(), blind.nodes("/dev/null*"), blind.sees_devices) == (None, (), False)


def test_who_has_a_device_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open("rb"):
        for pattern, named in (("nowhere", False), (".+", True)):
            monkeypatch.setattr(host_probe, "_CONTAINER", re.compile(pattern))
            mine = [user for user in PROBE.node_users(("/dev/null", "/dev/zero")) if user.pid == os.getpid()]
            assert [user.node for user in mine] == ["/dev/null"]
            assert (mine[0].container is not None) is named, "whose it is stands in its control group"


def test_a_control_group_names_its_container() -> None:
    container = "4f" * 32
    for path in (f"/system.slice/docker-{container}.scope", f"/kubepods/pod1/{container}", f"/libpod-{container}"):
        found = host_probe._CONTAINER.search(f"0::{path}")
        assert found is not None
        assert found[0] == container
    assert host_probe._CONTAINER.search("0::/system.slice/docker.service") is None
