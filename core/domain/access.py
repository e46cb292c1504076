"""Who acts, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """A viewer reads; an operator also deploys and measures."""

    VIEWER = "viewer"
    OPERATOR = "operator"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may do."""
        return self is Role.OPERATOR or needed is Role.VIEWER


@dataclass(frozen=True)
class Actor:
    """The person on whose behalf a service works; recorded with everything they start."""

    name: str
    role: Role


LOCAL_OPERATOR = Actor("local", Role.OPERATOR)
"""The one person of a loopback installation, who needs no sign-in."""


@dataclass(frozen=True)
class Account:
    """A person who can sign in. The password hash never leaves the store."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None
