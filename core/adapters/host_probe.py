"""The host's folders and ports, as this process sees them."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import re
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from core.domain.host import DeviceUser, HostFacts, Listener, architecture_name, in_order
from core.ports import FileFacts, PathView

_PROC = Path("/proc")
_DEV = Path("/dev")
_SHM = Path("/dev/shm")
_IOMMU = Path("/sys/class/iommu")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
"""A container's id, as every engine writes it into the name of a control group."""
_TABLES = ("net/tcp", "net/tcp6")
_LISTENING = "0A"
_JSON_LIMIT_BYTES = 64 * 1024 * 1024


class LocalHostProbe:
    """Fulfils ports.HostProbe. ``sees_host`` False where the engine is on another machine or the app in a container:
    then only ``shared`` folders are the engine's own, and its device nodes where ``devices`` names a folder."""

    def __init__(self, *, sees_host: bool = True, shared: Sequence[Path] = (), devices: Path | None = None) -> None:
        self._sees_host = sees_host
        self._shared = tuple(shared)
        self._devices = devices or (_DEV if sees_host else None)
        self._holder: tuple[Path, ...] = ()

    @property
    def sees_host(self) -> bool:
        return self._sees_host

    @property
    def sees_devices(self) -> bool:
        return self._devices is not None

    def sees(self, path: str) -> bool:
        return self._sees_host or any(Path(path).is_relative_to(folder) for folder in self._shared)

    def facts(self) -> HostFacts | None:
        """A container shares its host's kernel: only its name and its /dev/shm are its own."""
        if not self._sees_host and not self.sees_devices:
            return None
        memory = _memory()
        return HostFacts(
            name=platform.node(),
            system=f"{platform.system()} {platform.release()}",
            architecture=architecture_name(platform.machine()),
            cpus=os.cpu_count(),
            memory_bytes=memory.get("MemTotal"),
            available_memory_bytes=memory.get("MemAvailable"),
            shm_bytes=_shm_bytes() if self._sees_host else None,
            iommu=_iommu(),
        )

    def nodes(self, pattern: str) -> tuple[str, ...]:
        if self._devices is None or not pattern.startswith(f"{_DEV}/"):
            return ()
        found = self._devices.glob(pattern.removeprefix(f"{_DEV}/"))
        return in_order(f"{_DEV}/{path.relative_to(self._devices)}" for path in found)

    def node_users(self, nodes: Sequence[str]) -> tuple[DeviceUser, ...]:
        """From /proc; in whose container a process is, its control group tells."""
        wanted = set(nodes)
        if not wanted or not self._sees_host:
            return ()
        return tuple(user for folder in _processes() for user in _open_nodes(folder, wanted))

    def look(self, path: str) -> PathView:
        """Links are followed; a link that leads nowhere is absent."""
        if "\0" in path:
            return PathView("absent", path)
        return PathView(_kind(Path(path)), os.path.realpath(path))

    def file(self, path: str) -> FileFacts | None:
        try:
            found = os.stat(path)  # noqa: PTH116 - a plan asks for every shard with each keystroke
        except (OSError, ValueError):
            return None
        return FileFacts(found.st_size, found.st_uid, found.st_gid, found.st_mode & 0o7777, found.st_mtime_ns)

    def read_start(self, path: str, count: int) -> bytes | None:
        try:
            with Path(path).open("rb") as file:
                return file.read(count)
        except OSError:
            return None

    def list_dir(self, path: str) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except OSError:
            return ()

    def read_json(self, path: str) -> Mapping[str, Any] | None:
        """Files over 64 MiB are not read."""
        try:
            if Path(path).stat().st_size > _JSON_LIMIT_BYTES:
                return None
            value = json.loads(Path(path).read_bytes())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def port_owner(self, port: int, host_ip: str | None = None) -> str | None:
        """From the kernel's own tables, so that nothing is bound; elsewhere than on Linux by trying to bind."""
        if not (_PROC / _TABLES[0]).exists():
            return None if _can_bind(port, host_ip) else ""
        inodes = {inode for address, listening, inode in _listeners() if listening == port and _meets(address, host_ip)}
        return self._process_of({f"socket:[{inode}]" for inode in inodes}) if inodes else None

    def _process_of(self, sockets: set[str]) -> str:
        """``name (pid)`` of a process that holds one of the sockets; other accounts' cannot be seen. A form asks with
        every keystroke, so that the last holder is looked at before all others."""
        for folder in chain(self._holder, _processes()):
            if _open_files(folder) & sockets:
                with suppress(OSError):
                    self._holder = (folder,)
                    return f"{(folder / 'comm').read_text().strip()} ({folder.name})"
        return ""

    def listeners(self) -> tuple[Listener, ...]:
        """From the kernel's own tables; empty elsewhere than on Linux."""
        if not self._sees_host:
            return ()
        ports = {f"socket:[{inode}]": port for _, port, inode in _listeners()}
        found = dict.fromkeys(ports.values(), "")
        for folder in _processes() if ports else ():
            for held in _open_files(folder) & ports.keys():
                with suppress(OSError):
                    found[ports[held]] = f"{(folder / 'comm').read_text().strip()} ({folder.name})"
        return tuple(Listener(port, found[port]) for port in sorted(found))

    def free_bytes(self, path: str) -> int | None:
        try:
            return shutil.disk_usage(path).free
        except OSError:
            return None


def _kind(path: Path) -> Literal["folder", "file", "absent", "denied"]:
    try:
        if path.is_dir():
            return "folder" if os.access(path, os.R_OK | os.X_OK) else "denied"
        if path.exists():
            return "file" if os.access(path, os.R_OK) else "denied"
    except PermissionError:
        return "denied"
    except OSError:  # a name too long
        return "absent"
    return "absent"


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _listeners() -> Iterator[tuple[_Address, int, str]]:
    """(address, port, socket) of every listening TCP socket."""
    for table in _TABLES:
        try:
            rows = (_PROC / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING:
                address, _, port = columns[1].partition(":")
                yield _address(address), int(port, 16), columns[9]


def _address(text: str) -> _Address:
    """The kernel writes 32-bit words in the machine's (little-endian) order."""
    raw = bytes.fromhex(text)
    ordered = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    address = ipaddress.ip_address(ordered)
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _meets(address: _Address, host_ip: str | None) -> bool:
    """Whether both cannot be bound at once."""
    if host_ip is None or address.is_unspecified:
        return True
    wanted = ipaddress.ip_address(host_ip)
    return wanted.is_unspecified or wanted == address


def _can_bind(port: int, host_ip: str | None) -> bool:
    family = socket.AF_INET6 if host_ip and ":" in host_ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host_ip or "", port))
        except PermissionError:
            return True  # a system port: docker may have it
        except OSError:
            return False
    return True


# ---------------------------------------------------------------- the machine and its devices


def _memory() -> dict[str, int]:
    """/proc/meminfo in bytes; empty elsewhere than on Linux."""
    try:
        rows = (_PROC / "meminfo").read_text().splitlines()
    except OSError:
        return {}
    pairs = (row.split()[:2] for row in rows)
    return {name.rstrip(":"): int(kib) * 1024 for name, kib in pairs}


def _shm_bytes() -> int | None:
    try:
        return shutil.disk_usage(_SHM).total
    except OSError:
        return None


def _iommu() -> bool | None:
    """The kernel lists its IOMMUs in sysfs; none where it is off (intel_iommu=off, or in the firmware)."""
    try:
        return any(_IOMMU.iterdir())
    except OSError:
        return None


def _processes() -> Iterator[Path]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            yield folder


def _open_nodes(folder: Path, wanted: set[str]) -> Iterator[DeviceUser]:
    """What of ``wanted`` a process has open; one that ends meanwhile, or is another account's, has nothing."""
    held = _open_files(folder) & wanted
    if not held:
        return
    try:
        cgroup, name = (folder / "cgroup").read_text(), (folder / "comm").read_text().strip()
    except OSError:
        return
    container = _CONTAINER.search(cgroup)
    whose = container[0] if container else None
    yield from (DeviceUser(node, name, int(folder.name), whose) for node in in_order(held))


def _open_files(folder: Path) -> set[str]:
    """Files close while one looks."""
    found: set[str] = set()
    with suppress(OSError):
        for entry in (folder / "fd").iterdir():
            with suppress(OSError):
                found.add(str(entry.readlink()))
    return found
