"""What a job about datasets is to do: fetch them for later, or try whether a folder holds one."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.evaluation import DatasetChoice, Hub


@dataclass(frozen=True)
class DatasetJob:
    """One step a dataset. A choice with a folder is tried there; one without is fetched from the hub."""

    choices: tuple[DatasetChoice, ...]
    hub: Hub = Hub.MODELSCOPE


def request_name(job_id: str) -> str:
    """The preference under which the service leaves what a job is to do."""
    return f"datasets.{job_id}"


@dataclass(frozen=True)
class LoadedDataset:
    """What was found: all samples, and the first one as it would be asked."""

    key: str
    samples: int
    subsets: int
    question: str = ""
    gold: str = ""
