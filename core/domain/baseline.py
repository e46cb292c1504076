"""What candidates are compared with, and where a machine's noise floor was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from core.domain.benchmark import RunHead, RunRow


@dataclass(frozen=True)
class Baseline:
    """The run that stands for a model under a workload (run_identity.workload_key), until another is pinned."""

    model: str
    workload_key: str
    workload_label: str
    run_id: str
    pinned_at: datetime
    pinned_by: str


@dataclass(frozen=True)
class Watched:
    """A baseline, and the newest other run of its model and workload; None where nothing came after it."""

    baseline: Baseline
    newest: RunRow | None


@dataclass(frozen=True)
class NoiseRun:
    """A run that did the same several times, to learn the noise floor of ``machine`` with ``engine``."""

    run_id: str
    machine: str
    engine: str
    created_at: datetime
    created_by: str


def machine_of(run: RunHead) -> str:
    """Where a run was measured from and which machine it measured. Not the port: a new version on the same machine is
    as noisy as the one before."""
    endpoint: Mapping[str, Any] = run.provenance.get("endpoint") or {}
    server = urlsplit(str(endpoint.get("base_url") or "")).hostname
    return f"{(run.provenance.get('host') or {}).get('name') or ''}>{server or ''}"
