"""Which devices of a host a deployment uses: numbers, ranges as people write them, the lowest that are free."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core.domain.platform import Platform

LIMIT = 4096
"""No host has more device nodes; a typing error is not to fill the memory."""


def read_devices(text: str) -> tuple[int, ...]:
    """``0-3, 8`` as numbers, in order, each once. Raises ValueError where it is none."""
    found: set[int] = set()
    for part in text.replace("，", ",").split(","):
        first, dash, last = part.strip().partition("-")
        if not part.strip():
            continue
        start, end = int(first), int(last) if dash else int(first)
        if not 0 <= start <= end < LIMIT:
            raise ValueError(part.strip())
        found.update(range(start, end + 1))
    return tuple(sorted(found))


def write_devices(numbers: Iterable[int]) -> str:
    """Numbers as ranges: ``0-3, 8``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def lowest_free(needed: int, there: int | None, held: Collection[int]) -> tuple[int, ...] | None:
    """The first ``needed`` numbers that nobody holds; None where there are not as many. ``there`` None: not counted."""
    limit = there if there is not None else needed + len(held)
    free = [number for number in range(limit) if number not in held]
    return tuple(free[:needed]) if len(free) >= needed else None


def device_family(platform: Platform) -> str:
    """Platforms with the same family count the same devices."""
    return platform.device_nodes or platform.visible_devices_env or platform.id
