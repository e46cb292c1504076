"""The machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """core.ports.Clock."""

    def now(self) -> datetime:
        """UTC-aware."""
        return datetime.now(UTC)
