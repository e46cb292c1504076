"""A host that is not there: its devices, memory and models out of a file, this machine's own folders beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from core.adapters.host_probe import LocalHostProbe
from core.domain.host import DeviceUser, HostFacts, Listener, SimulatedHost, SimulatedModel, in_order, node_names
from core.errors import RefusedError
from core.ports import FileFacts, PathView

FOLDER = Path(__file__).resolve().parents[2] / "catalog" / "hosts"
_GIB = 1024**3
_HEADER_BYTES = 256
_ALL_MAY_READ, _FOLDER_MODE = 0o644, 0o755


def simulated_hosts() -> tuple[str, ...]:
    """The profiles there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read_host(name: str) -> SimulatedHost:
    """Raises RefusedError (setting_bad: detail)."""
    if name not in simulated_hosts():
        known = ", ".join(simulated_hosts())
        raise RefusedError("setting_bad", detail=f"SEATRIAL_HOST_PROFILE knows {known}, not {name!r}")
    try:
        content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        return TypeAdapter(SimulatedHost).validate_python(content)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise RefusedError("setting_bad", detail=f"{name}.yaml: {error}") from error


class SimulatedHostProbe:
    """Fulfils ports.HostProbe. What the file tells comes first; every other path, and ports, are this machine's."""

    def __init__(self, host: SimulatedHost, real: LocalHostProbe) -> None:
        self._host = host
        self._real = real
        self._files = _tree(host)
        self._folders = {str(parent) for path in self._files for parent in PurePosixPath(path).parents} - {"/"}
        self._below: dict[str, set[str]] = {}
        for path in map(PurePosixPath, (*self._files, *self._folders)):
            self._below.setdefault(str(path.parent), set()).add(path.name)

    @property
    def sees_host(self) -> bool:
        return True

    @property
    def sees_devices(self) -> bool:
        return True

    def sees(self, path: str) -> bool:
        return True

    def facts(self) -> HostFacts | None:
        memory = self._host.memory_gib * _GIB
        return HostFacts(
            name=self._host.id,
            system=self._host.system,
            architecture=self._host.architecture,
            cpus=self._host.cpus,
            memory_bytes=memory,
            available_memory_bytes=memory,
            shm_bytes=memory // 2,
            iommu=self._host.iommu,
            simulated=self._host.name,
        )

    def nodes(self, pattern: str) -> tuple[str, ...]:
        return in_order(node_names(pattern, self._host.nodes.get(pattern, 0)))

    def node_users(self, nodes: Sequence[str]) -> tuple[DeviceUser, ...]:
        return ()

    def listeners(self) -> tuple[Listener, ...]:
        return self._real.listeners()

    def look(self, path: str) -> PathView:
        path = path.rstrip("/") or "/"
        if path in self._files:
            return PathView("file", path)
        return PathView("folder", path) if path in self._folders else self._real.look(path)

    def file(self, path: str) -> FileFacts | None:
        path = path.rstrip("/")
        if path in self._folders:
            return FileFacts(0, 0, 0, _FOLDER_MODE, 1)
        content = self._files.get(path)
        if content is None:
            return self._real.file(path)
        size = content if isinstance(content, int) else len(content)
        return FileFacts(size, 0, 0, _ALL_MAY_READ, 1)

    def read_start(self, path: str, count: int) -> bytes | None:
        content = self._files.get(path)
        if content is None:
            return self._real.read_start(path, count)
        return (_shard_start(content) if isinstance(content, int) else content)[:count]

    def list_dir(self, path: str) -> tuple[str, ...]:
        ours = self._below.get(path.rstrip("/") or "/", set())
        return tuple(sorted(ours | set(self._real.list_dir(path))))

    def read_json(self, path: str) -> Mapping[str, Any] | None:
        content = self._files.get(path)
        if not isinstance(content, bytes):
            return self._real.read_json(path)
        value: Mapping[str, Any] = json.loads(content)
        return value

    def port_owner(self, port: int, host_ip: str | None = None) -> str | None:
        return self._real.port_owner(port, host_ip)

    def free_bytes(self, path: str) -> int | None:
        return self._host.disk_free_gib * _GIB if path.rstrip("/") in self._folders else self._real.free_bytes(path)


def _tree(host: SimulatedHost) -> Mapping[str, bytes | int]:
    """Path -> what is in it; of a weights file only how long it is."""
    files: dict[str, bytes | int] = {}
    for name, model in host.models.items():
        files |= {f"{host.weights}/{name}/{file}": content for file, content in _model(model).items()}
    return files


def _model(model: SimulatedModel) -> Mapping[str, bytes | int]:
    size = int(model.size_gb * 1e9) // model.shards
    shards = [f"model-{number:05d}-of-{model.shards:06d}.safetensors" for number in range(1, model.shards + 1)]
    index = {"weight_map": {f"layer.{number}": name for number, name in enumerate(shards)}}
    texts: dict[str, Any] = {"config.json": model.config, "model.safetensors.index.json": index, "tokenizer.json": {}}
    return {**{name: json.dumps(text).encode() for name, text in texts.items()}, **dict.fromkeys(shards, size)}


@cache
def _shard_start(size: int) -> bytes:
    """A header that promises exactly that many bytes."""
    header = json.dumps({"w": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, size - 8 - _HEADER_BYTES]}})
    return _HEADER_BYTES.to_bytes(8, "little") + header.ljust(_HEADER_BYTES).encode()
