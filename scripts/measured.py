"""What the scripts of `make bench` share: figures with their limits, the machine they were read on, the exit code."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured value; its unit is in its name. ``at_most``: the project's limit; None where there is none."""

    name: str
    value: float
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.at_most is None or self.value <= self.at_most


def figures(values: dict[str, float], limits: dict[str, float]) -> list[Figure]:
    """Every value with its limit. Raises KeyError for a limit of something that was not measured."""
    for name in limits:
        values[name]
    return [Figure(name, value, limits.get(name)) for name, value in values.items()]


def conclude(found: Iterable[Figure], path: Path | None, **told: Any) -> int:
    """Prints the table, writes JSON where asked, names what is missed. The exit code: 1 where a limit is missed."""
    found, machine = list(found), machine_now()
    print(f"{machine['cpus']} CPUs ({machine['cpu']}), load {machine['load_average'][0]:.1f}, {machine['at'][:10]}\n")
    for one in found:
        limit = "" if one.at_most is None else f"  at most {one.at_most:g}"
        print(f"{one.name:<44}{one.value:>12.3f}{limit}{'' if one.holds else '  MISSED'}")
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{**asdict(one), "holds": one.holds} for one in found]
        path.write_text(json.dumps({**machine, **told, "figures": rows}, indent=2), encoding="utf-8")
    return int(not all(one.holds for one in found))


def machine_now() -> dict[str, Any]:
    """Where and when: processors, Python, the load of the last minute, the time (UTC)."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "cpu": model or platform.machine(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
    }


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
