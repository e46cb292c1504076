"""Seeds: fresh for every point and repeat, so that a prefix cache is never measured by accident, yet reproducible."""

from __future__ import annotations

from hashlib import blake2b

_BITS = 31


def point_seed(run_seed: int, point_index: int, repeat: int) -> int:
    """The seed of one (point, repeat), derived from the run's: the same everywhere, 31 bits, so that any client
    accepts it (vLLM and NumPy take 32 bits, some servers a signed integer)."""
    digest = blake2b(f"{run_seed}/{point_index}/{repeat}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _BITS)
