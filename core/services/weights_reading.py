"""A model's folder, read: its weight files, their sizes, and whether each is whole by its own header."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from core.formats import safetensors
from core.ports import HostProbe

WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
_MOST_HEADER_BYTES = 32 * 1024 * 1024
Damage = Literal["pointer", "cut", "header"]


@dataclass(frozen=True)
class WeightsFiles:
    """``names``: the weight files, sorted. ``size_bytes``: all of them together."""

    names: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class Damaged:
    """Why a file cannot be loaded. ``missing_bytes``: how many its own header promises beyond its end."""

    name: str
    kind: Damage
    missing_bytes: int = 0


class WeightsReader:
    """Keeps what a file's header said as long as the file is the same: a plan is made with every keystroke."""

    def __init__(self, probe: HostProbe) -> None:
        self._probe = probe
        self._read = lru_cache(maxsize=4096)(self._promised)

    def folder(self, path: str) -> WeightsFiles | None:
        """None where there is no such folder, or it cannot be seen from here."""
        base = path.rstrip("/")
        if not base.startswith("/") or self._probe.look(base).kind != "folder":
            return None
        names = tuple(name for name in self._probe.list_dir(base) if name.endswith(WEIGHT_FILES))
        sizes = [found.size_bytes for name in names if (found := self._probe.file(f"{base}/{name}")) is not None]
        return WeightsFiles(names, sum(sizes))

    def damaged(self, path: str, names: tuple[str, ...]) -> tuple[Damaged, ...]:
        """The safetensors files that are shorter than their header says, or have none. Others are taken as they are."""
        base = path.rstrip("/")
        found = (self._judge(f"{base}/{name}", name) for name in names if name.endswith(".safetensors"))
        return tuple(one for one in found if one is not None)

    def _judge(self, path: str, name: str) -> Damaged | None:
        facts = self._probe.file(path)
        if facts is None:
            return None
        promised = self._read(path, facts.size_bytes, facts.changed_ns)
        if promised is None or (isinstance(promised, int) and promised == facts.size_bytes):
            return None
        if isinstance(promised, str):
            return Damaged(name, promised)
        return Damaged(name, "cut", promised - facts.size_bytes)

    def _promised(self, path: str, size_bytes: int, changed_ns: int) -> int | Damage | None:
        """The length that the header promises; what is wrong with it; None where the file may not be read."""
        prefix = self._probe.read_start(path, safetensors.PREFIX_BYTES)
        if prefix is None:
            return None
        if safetensors.is_lfs_pointer(prefix):
            return "pointer"
        length = safetensors.header_bytes(prefix)
        if length is None or length > _MOST_HEADER_BYTES:
            return "header"
        if safetensors.PREFIX_BYTES + length > size_bytes:
            return "header"
        start = self._probe.read_start(path, safetensors.PREFIX_BYTES + length) or b""
        return safetensors.file_bytes(start[safetensors.PREFIX_BYTES :]) or "header"
