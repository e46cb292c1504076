"""Pinned baselines, and the runs that measured a noise floor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "baselines",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("workload_key", sa.String(), nullable=False),
        sa.Column("workload_label", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pinned_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_baselines_run_id"),
        sa.PrimaryKeyConstraint("model", "workload_key", name="pk_baselines"),
    )
    op.create_table(
        "noise_runs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_noise_runs_run_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_noise_runs"),
    )
    op.create_index("ix_noise_runs_machine_engine_created_at", "noise_runs", ["machine", "engine", "created_at"])
