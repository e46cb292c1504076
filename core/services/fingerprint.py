"""Which weights a folder holds, told in seconds: hundreds of gigabytes are not read for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from core.formats import safetensors
from core.ports import HostProbe
from core.services.weights_reading import WEIGHT_FILES

METHOD = "w1"
"""Before the digest: another way of telling gives another name, and is never taken for other weights unseen."""
_SAMPLE_BYTES = 64 * 1024
_OPAQUE_BYTES = 1024 * 1024
_DOCUMENT_BYTES = 64 * 1024 * 1024
_DIGITS = 16


def weights_fingerprint(probe: HostProbe, folder: str) -> str | None:
    """``w1:`` and 16 hexadecimal digits over config.json, every index, and of each weight file its name, its size, its
    safetensors header (the name, type, shape and place of each tensor) and the first 64 KiB of its tensors; of other
    formats the first MiB. Files that differ only further in are not told apart. Equal for a copy on another disk. None
    where the folder cannot be seen, holds no weights, or a file of it cannot be read: half of it would be a lie."""
    base = folder.rstrip("/")
    if not probe.sees(base) or probe.look(base).kind != "folder":
        return None
    names = probe.list_dir(base)
    if not any(name.endswith(WEIGHT_FILES) for name in names):
        return None
    digest = hashlib.sha256()
    for name in names:
        for part in _parts(probe, f"{base}/{name}", name):
            if part is None:
                return None
            digest.update(len(part).to_bytes(8, "little") + part)
    return f"{METHOD}:{digest.hexdigest()[:_DIGITS]}"


def _parts(probe: HostProbe, path: str, name: str) -> Iterator[bytes | None]:
    """What of a file counts; nothing of one that is no part of the weights. None: it cannot be read."""
    if name == "config.json" or name.endswith(".index.json"):
        yield name.encode()
        yield probe.read_start(path, _DOCUMENT_BYTES)
    elif name.endswith(WEIGHT_FILES):
        facts = probe.file(path)
        yield name.encode()
        yield str(facts.size_bytes).encode() if facts else None
        yield probe.read_start(path, _begin_bytes(probe, path, name))


def _begin_bytes(probe: HostProbe, path: str, name: str) -> int:
    prefix = probe.read_start(path, safetensors.PREFIX_BYTES) if name.endswith(".safetensors") else None
    header = safetensors.header_bytes(prefix) if prefix else None
    return _OPAQUE_BYTES if header is None else safetensors.PREFIX_BYTES + header + _SAMPLE_BYTES
