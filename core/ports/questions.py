"""What can be asked of a model: shipped questions, brought ones, and what hubs and folders hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from core.domain.evaluation import Dataset, EvaluationPreset, SamplingPreset
from core.domain.questions import QuestionSet


class QuestionStore(Protocol):
    """Questions that people brought."""

    def add(self, questions: QuestionSet) -> QuestionSet:
        """As the next version of its key; the latest one again where nothing has changed."""
        ...

    def list(self) -> tuple[Dataset, ...]: ...
    def get(self, key: str, version: int | None = None) -> QuestionSet:
        """Raises NotFoundError."""
        ...

    def versions(self, key: str) -> tuple[Dataset, ...]: ...


class EvaluationCatalog(Protocol):
    """What the project ships."""

    def datasets(self) -> tuple[Dataset, ...]: ...
    def shipped(self) -> tuple[QuestionSet, ...]: ...
    def presets(self) -> tuple[EvaluationPreset, ...]: ...
    def sampling(self) -> tuple[SamplingPreset, ...]: ...
    def has_sandbox(self) -> bool:
        """Whether EvalScope can run code in containers; whether an engine answers is not asked."""
        ...


class DatasetFolders(Protocol):
    """Datasets on this machine's disk."""

    def cached(self, datasets: Iterable[Dataset]) -> frozenset[str]:
        """Keys of those that EvalScope has loaded here before, and will not ask a hub for."""
        ...

    def problem(self, folder: Path) -> str | None:
        """Why a folder cannot be a snapshot of a dataset's repository: eval_folder_relative,
        eval_folder_missing, eval_folder_empty; None where nothing speaks against it."""
        ...
