"""What core needs from the outside, as Protocols. Adapters fulfil them; tests/fakes hold one fake per port."""

from __future__ import annotations

from core.ports.children import ToolRunner
from core.ports.clock import Clock
from core.ports.containers import ContainerEngine, EngineInfo, ExecResult
from core.ports.endpoints import EndpointClient
from core.ports.evaluations import EvaluationStore
from core.ports.host import HostProbe, PathView
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
    RunStore,
    Secrets,
    Store,
)

__all__ = [
    "AccountStore",
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
    "HostProbe",
    "JobQueue",
    "JobStore",
    "PathView",
    "PreferenceStore",
    "RunStore",
    "Secrets",
    "Store",
    "ToolRunner",
]
