"""Folders of weights: downloaded, or told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weights_folders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("patterns", sa.Text(), nullable=False),
        sa.Column("commit", sa.String(), nullable=True),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_weights_folders_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_weights_folders"),
        sa.UniqueConstraint("path", name="uq_weights_folders_path"),
    )
    op.create_index("ix_weights_folders_created_at_id", "weights_folders", ["created_at", "id"])
    op.create_index("ix_weights_folders_job_id", "weights_folders", ["job_id"])
