"""Which registry an image's name stands for, and what it is pulled as."""

from __future__ import annotations

import pytest

from core.domain.registry import mirrored, registry_of


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("vllm/vllm-openai:v1", "docker.io"),
        ("python", "docker.io"),
        ("localhost/x", "localhost"),
        ("harbor.local/a/b:c", "harbor.local"),
        ("host:5000/a", "host:5000"),
    ],
)
def test_the_registry(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("image", "prefix", "pulled"),
    [
        ("vllm/vllm-openai:v1", "m.local/", "m.local/vllm/vllm-openai:v1"),
        ("python:3", "m.local", "m.local/library/python:3"),
        ("docker.io/a/b", "m.local", "m.local/a/b"),
        ("harbor.local/a/b", "m.local", "harbor.local/a/b"),
        ("a/b", "", "a/b"),
    ],
)
def test_the_mirror_is_docker_hubs(image: str, prefix: str, pulled: str) -> None:
    assert mirrored(image, prefix) == pulled
