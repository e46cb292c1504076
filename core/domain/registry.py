"""Image names and the registries they stand for (github.com/distribution/reference)."""

from __future__ import annotations

from dataclasses import dataclass

DOCKER_HUB = "docker.io"
PUBLIC = frozenset(
    {DOCKER_HUB, "ghcr.io", "quay.io", "nvcr.io", "public.ecr.aws", "mcr.microsoft.com", "registry.k8s.io"}
)
"""Registries that give most images to everybody."""


@dataclass(frozen=True)
class RegistryLogin:
    """Who pulls from a private registry."""

    user: str
    password: str


@dataclass(frozen=True)
class PullSource:
    """Under which name an image is really pulled, and as whom."""

    reference: str
    login: RegistryLogin | None = None


def registry_of(image: str) -> str:
    """The host that the name begins with; Docker Hub where it begins with none. A host has a dot, a port, or is
    ``localhost``: that is the rule by which docker tells it from a namespace."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else DOCKER_HUB


def mirrored(image: str, prefix: str) -> str:
    """The image of Docker Hub behind a mirror's prefix; every other one, and without a prefix, as it is."""
    if not prefix or registry_of(image) != DOCKER_HUB:
        return image
    path = image.removeprefix(f"{DOCKER_HUB}/")
    return f"{prefix.rstrip('/')}/{path if '/' in path else f'library/{path}'}"
