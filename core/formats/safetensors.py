"""The safetensors file format (github.com/huggingface/safetensors, "Format"): 8 bytes of header length, little-endian,
a JSON header that names every tensor's place, then the bytes."""

from __future__ import annotations

import json

PREFIX_BYTES = 8
_HEADER_LIMIT_BYTES = 100_000_000  # the format's own
_LFS = b"version https://git-lfs"


def is_lfs_pointer(start: bytes) -> bool:
    """Whether the file is what Git leaves in place of a large one."""
    return start.startswith(_LFS[:PREFIX_BYTES])


def header_bytes(prefix: bytes) -> int | None:
    """The header's length; None where this cannot be such a file."""
    if len(prefix) < PREFIX_BYTES:
        return None
    length = int.from_bytes(prefix[:PREFIX_BYTES], "little")
    return length if 2 <= length <= _HEADER_LIMIT_BYTES else None


def file_bytes(header: bytes) -> int | None:
    """How long the whole file must be, by its header; None where the header cannot be read."""
    try:
        tensors = json.loads(header)
        ends = [int(tensor["data_offsets"][1]) for name, tensor in tensors.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return PREFIX_BYTES + len(header) + max(ends, default=0)
