"""What core needs from the outside, as Protocols. Adapters fulfil them; tests/fakes hold one fake per port."""

from __future__ import annotations

from core.ports.children import ToolRunner
from core.ports.clock import Clock
from core.ports.containers import ContainerEngine, EngineInfo, ExecResult, RegistryLogin
from core.ports.endpoints import EndpointClient
from core.ports.evaluations import EvaluationStore
from core.ports.history import AnnotationStore, RunStore, ViewStore
from core.ports.host import FileFacts, HostProbe, PathView
from core.ports.jobs import JobQueue
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

__all__ = [
    "AccountStore",
    "AnnotationStore",
    "ArtifactRow",
    "ArtifactStore",
    "Clock",
    "ContainerEngine",
    "DeploymentStore",
    "Disk",
    "EndpointClient",
    "EndpointStore",
    "EngineInfo",
    "EvaluationStore",
    "ExecResult",
    "FileFacts",
    "HostProbe",
    "JobQueue",
    "JobStore",
    "PathView",
    "PreferenceStore",
    "RegistryLogin",
    "RunStore",
    "Secrets",
    "Store",
    "ToolRunner",
    "ViewStore",
]
