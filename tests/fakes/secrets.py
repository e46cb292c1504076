"""Secrets in memory."""

from __future__ import annotations


class FakeSecrets:
    """A dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def put(self, ref: str, value: str) -> None:
        self.values[ref] = value

    def get(self, ref: str) -> str | None:
        return self.values.get(ref)

    def delete(self, ref: str) -> None:
        self.values.pop(ref, None)
