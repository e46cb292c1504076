"""Every table. Lists read narrow rows; documents (JSON) and bytes lie where no list has to step over them."""

from __future__ import annotations

from core.adapters.database.tables.accounts import AccountTable, SessionTable
from core.adapters.database.tables.artifacts import ArtifactTable, BlobChunkTable, BlobTable
from core.adapters.database.tables.base import Base
from core.adapters.database.tables.comparisons import BaselineTable, NoiseRunTable
from core.adapters.database.tables.deployments import ContainerCommandTable, DeploymentTable, ImageFlagsTable
from core.adapters.database.tables.endpoints import EndpointTable
from core.adapters.database.tables.evaluations import (
    EvaluationConditionsTable,
    EvaluationDatasetTable,
    EvaluationSampleTable,
    EvaluationScoreTable,
    EvaluationTable,
    EvaluationTextTable,
)
from core.adapters.database.tables.history import AnnotationTable, RunFacetTable, SavedViewTable
from core.adapters.database.tables.jobs import JobProgressTable, JobTable, WorkerBeatTable
from core.adapters.database.tables.questions import QuestionSetTable
from core.adapters.database.tables.runs import MeasurementTable, RunDetailTable, RunTable
from core.adapters.database.tables.settings import CounterTable, PreferenceTable, SecretTable
from core.adapters.database.tables.webuis import WebUiTable
from core.adapters.database.tables.weights import WeightsFolderTable

__all__ = [
    "AccountTable",
    "AnnotationTable",
    "ArtifactTable",
    "Base",
    "BaselineTable",
    "BlobChunkTable",
    "BlobTable",
    "ContainerCommandTable",
    "CounterTable",
    "DeploymentTable",
    "EndpointTable",
    "EvaluationConditionsTable",
    "EvaluationDatasetTable",
    "EvaluationSampleTable",
    "EvaluationScoreTable",
    "EvaluationTable",
    "EvaluationTextTable",
    "ImageFlagsTable",
    "JobProgressTable",
    "JobTable",
    "MeasurementTable",
    "NoiseRunTable",
    "PreferenceTable",
    "QuestionSetTable",
    "RunDetailTable",
    "RunFacetTable",
    "RunTable",
    "SavedViewTable",
    "SecretTable",
    "SessionTable",
    "WebUiTable",
    "WeightsFolderTable",
    "WorkerBeatTable",
]
