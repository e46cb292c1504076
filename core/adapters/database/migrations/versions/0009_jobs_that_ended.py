"""Jobs by who started them and when they ended: what a person is told of."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index."""
    op.create_index("ix_jobs_created_by_ended_at", "jobs", ["created_by", "ended_at"])
