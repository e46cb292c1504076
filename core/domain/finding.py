"""A finding: one rule's result, shown beside the field it concerns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from enum import StrEnum


class Severity(StrEnum):
    """``block`` stops a plan, ``warn`` asks for attention, ``note`` informs."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"


@dataclasses.dataclass(frozen=True)
class Finding:
    """``code`` names the sentence in render/texts [finding]; ``field`` names the request's field, or None.

    ``derived``: the fact behind it is arithmetic, not a vendor's word, so that even a block can be overridden by an
    explicit, recorded act (``overridden``); a stated limit cannot.
    """

    code: str
    severity: Severity
    field: str | None = None
    params: Mapping[str, str | int | float | bool | None] = dataclasses.field(default_factory=dict)
    source: str | None = None
    derived: bool = False
    overridden: bool = False


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that stop a plan."""
    return tuple(found for found in findings if found.severity is Severity.BLOCK and not found.overridden)
