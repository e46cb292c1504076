"""Pinned baselines, and the runs that measured a noise floor."""

from __future__ import annotations

from typing import Protocol

from core.domain.baseline import Baseline, NoiseRun


class BaselineStore(Protocol):
    """One a model and workload."""

    def pin(self, baseline: Baseline) -> None:
        """In place of the one before."""
        ...

    def unpin(self, model: str, workload_key: str) -> None:
        """Nothing where there is none."""
        ...

    def get(self, model: str, workload_key: str) -> Baseline | None: ...
    def list(self) -> tuple[Baseline, ...]:
        """By model, then workload."""
        ...


class NoiseStore(Protocol):
    """What was started to learn a machine's noise floor."""

    def add(self, run: NoiseRun) -> None: ...
    def list(self, machine: str, engine: str) -> tuple[NoiseRun, ...]:
        """The newest first."""
        ...
