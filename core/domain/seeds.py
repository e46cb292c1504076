"""Seeds: fresh for every point and repeat, so that a prefix cache is never measured by accident, yet reproducible."""

from __future__ import annotations

from hashlib import blake2b

_BITS = 31


def point_seed(run_seed: int, point_index: int, repeat: int, attempt: int = 0) -> int:
    """The seed of one (point, repeat), derived from the run's: the same everywhere, 31 bits, so that any client
    accepts it (vLLM and NumPy take 32 bits, some servers a signed integer). ``attempt`` counts from 0: the server has
    seen some prompts of one that was broken off."""
    name = f"{run_seed}/{point_index}/{repeat}" + (f"/{attempt}" if attempt else "")
    digest = blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _BITS)


def warmup_seed(seed: int) -> int:
    """Of a point's seed, the one of its warm-up: never the prompts that are measured."""
    digest = blake2b(f"{seed}/warm-up".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _BITS)
