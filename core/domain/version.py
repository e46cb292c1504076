"""A version: what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.benchmark import RunHead
from core.domain.endpoint import Origin
from core.domain.run_identity import profile_revision, run_identity


@dataclass(frozen=True)
class Version:
    """Model, weights, image and profile, with a label that a person may edit; ``key`` is equal where they are (see
    run_identity). ``verified``: the label is of a deployment of ours, not what an endpoint's owner says."""

    key: str
    model: str
    label: str
    verified: bool
    simulated: bool = False
    weights_fingerprint: str | None = None
    image: str | None = None
    image_digest: str | None = None
    profile: str | None = None
    profile_revision: str | None = None


def version_of(run: RunHead) -> Version:
    """From what the run remembers."""
    told = run.provenance
    found = run_identity(run.model, run.version_label, told)
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    return Version(
        key=found.version_key,
        model=run.model,
        label=run.version_label,
        verified=bool(endpoint.get("version_verified", True)),
        simulated=run.origin == Origin.SIMULATED,
        weights_fingerprint=_text(told.get("weights_fingerprint")),
        image=found.image,
        image_digest=_text(told.get("image_digest")),
        profile=found.profile,
        profile_revision=_text(profile_revision(told)),
    )


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
