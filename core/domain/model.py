"""A model: what is served. Its facts are in catalog/models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Minimum:
    """The least hardware that the vendor states."""

    cards: int
    stated: str
    source: str


@dataclass(frozen=True)
class Model:
    """``key`` is the name in lower case. ``profiles`` names a group of tested configurations that the family shares."""

    name: str
    family: str
    kind: Literal["llm", "vlm", "alm", "embedding", "reranker"]
    profiles: str
    platforms: tuple[str, ...]
    source: str
    huggingface: str | None = None
    modelscope: str | None = None
    parameters: str | None = None
    dtype: str | None = None
    architecture: str | None = None
    minimum: Minimum | None = None
    weights_gb: float | None = None
    reasoning_parser: str | None = None
    tool_parser: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    serve_args: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """What ``architectures`` in its config.json says: how a folder is told to hold this model, or another one."""
    note: str | None = None

    @property
    def key(self) -> str:
        """How the model is named in commands and links."""
        return self.name.lower()
