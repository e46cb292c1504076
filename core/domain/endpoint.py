"""An endpoint: base URL, served name and key reference; deployed by us or attached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.finding import Finding


class Origin(StrEnum):
    """Where an endpoint came from. Simulated ones say so wherever they appear."""

    DEPLOYED = "deployed"
    ATTACHED = "attached"
    SIMULATED = "simulated"


class KeyState(StrEnum):
    """What the server does with keys."""

    OPEN = "open"
    ACCEPTED = "accepted"
    MISSING = "missing"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ServedModel:
    """One entry of /v1/models. ``root`` is the weights path where the server tells it."""

    id: str
    max_model_len: int | None = None
    root: str | None = None


@dataclass(frozen=True)
class EndpointCheck:
    """What a check found. None means not known, never no."""

    checked_at: datetime
    reachable: bool
    key_state: KeyState
    served_models: tuple[ServedModel, ...] = ()
    served_name: str | None = None
    max_model_len: int | None = None
    vocabulary_size: int | None = None
    server_version: str | None = None
    streams: bool | None = None
    reasons: bool | None = None
    has_metrics: bool | None = None
    has_tokenize: bool | None = None
    simulated: bool = False
    latency_ms: float | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a benchmark can start against it."""
        return self.reachable and self.served_name is not None and self.streams is True


@dataclass(frozen=True)
class Endpoint:
    """``base_url`` is canonical: scheme://host[:port][/path]/v1. ``server_key`` names the server, not the URL:
    ``container:<engine id>/<container id>`` where it is ours, else ``address:<ip>:<port>``. ``key_ref`` names the
    stored secret; the secret itself is never in this object."""

    id: str
    name: str
    base_url: str
    served_name: str
    origin: Origin
    server_key: str
    version_label: str
    version_verified: bool
    created_at: datetime
    created_by: str
    key_ref: str | None = None
    deployment_id: str | None = None
    archived_at: datetime | None = None
    check: EndpointCheck | None = None
