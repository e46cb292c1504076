"""What core needs from the outside, as Protocols. Adapters fulfil them; tests/fakes hold one fake per port."""

from __future__ import annotations

from core.ports.chat import ChatClient, ChatStream
from core.ports.children import ToolRunner
from core.ports.clock import Clock
from core.ports.comparison import BaselineStore, NoiseStore
from core.ports.containers import ContainerEngine, EngineInfo, ExecResult, Registries, Upload, Uploads
from core.ports.endpoints import EndpointClient
from core.ports.evaluations import EvaluationFolders, EvaluationStore
from core.ports.history import AnnotationStore, RunStore, ViewStore
from core.ports.host import FileFacts, HostProbe, PathView
from core.ports.jobs import JobQueue
from core.ports.prompt_files import PromptFiles
from core.ports.questions import DatasetFolders, EvaluationCatalog, QuestionStore
from core.ports.storage import (
    AccountStore,
    ArtifactRow,
    ArtifactStore,
    DeploymentStore,
    Disk,
    EndpointStore,
    JobStore,
    PreferenceStore,
    Secrets,
    Store,
)
from core.ports.webui import HostAddresses, WebUiAdmin, WebUiStore
from core.ports.weights import WeightsDisk, WeightsStore

__all__ = [
    "AccountStore",
    "AnnotationStore",
    "ArtifactRow",
    "ArtifactStore",
    "BaselineStore",
    "ChatClient",
    "ChatStream",
    "Clock",
    "ContainerEngine",
    "DatasetFolders",
    "DeploymentStore",
    "Disk",
    "EndpointClient",
    "EndpointStore",
    "EngineInfo",
    "EvaluationCatalog",
    "EvaluationFolders",
    "EvaluationStore",
    "ExecResult",
    "FileFacts",
    "HostAddresses",
    "HostProbe",
    "JobQueue",
    "JobStore",
    "NoiseStore",
    "PathView",
    "PreferenceStore",
    "PromptFiles",
    "QuestionStore",
    "Registries",
    "RunStore",
    "Secrets",
    "Store",
    "ToolRunner",
    "Upload",
    "Uploads",
    "ViewStore",
    "WebUiAdmin",
    "WebUiStore",
    "WeightsDisk",
    "WeightsStore",
]
