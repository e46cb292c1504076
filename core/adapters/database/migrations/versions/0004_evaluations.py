"""Evaluations: requests, conditions, datasets, scores, samples and their texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DATASET = ["evaluation_datasets.id"]


def upgrade() -> None:
    """New tables alone."""
    _create_evaluations()
    _create_scores()
    _create_samples()


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_evaluations_run_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_evaluations"),
    )
    op.create_table(
        "evaluation_conditions",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_evaluation_conditions"),
    )
    op.create_index("ix_evaluation_conditions_dataset", "evaluation_conditions", ["dataset"])
    op.create_table(
        "evaluation_datasets",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("conditions_key", sa.String(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_evaluation_datasets_run_id"),
        sa.ForeignKeyConstraint(
            ["conditions_key"], ["evaluation_conditions.key"], name="fk_evaluation_datasets_conditions_key"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation_datasets"),
        sa.UniqueConstraint("run_id", "dataset", name="uq_evaluation_datasets_run_id_dataset"),
    )


def _create_scores() -> None:
    op.create_table(
        "evaluation_scores",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("conditions_key", sa.String(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("subset", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("aggregation", sa.String(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("score", "ci_low", "ci_high")),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("n", "requested", "errored", "unscored", "truncated", "overflow", "no_answer")
        ),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], _DATASET, name="fk_evaluation_scores_dataset_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_evaluation_scores_run_id"),
        sa.PrimaryKeyConstraint("dataset_id", "position", name="pk_evaluation_scores"),
    )
    op.create_index("ix_evaluation_scores_run_id", "evaluation_scores", ["run_id"])
    op.create_index(
        "ix_evaluation_scores_leads_dataset_conditions_key_run_id",
        "evaluation_scores",
        ["leads", "dataset", "conditions_key", "run_id"],
    )


def _create_samples() -> None:
    op.create_table(
        "evaluation_samples",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subset", sa.String(), nullable=False),
        sa.Column("question_key", sa.BigInteger(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("ending", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("gold", sa.String(), nullable=False),
        sa.Column("extracted", sa.String(), nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["dataset_id"], _DATASET, name="fk_evaluation_samples_dataset_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_evaluation_samples"),
    )
    op.create_index(
        "ix_evaluation_samples_dataset_id_ending_number", "evaluation_samples", ["dataset_id", "ending", "number"]
    )
    op.create_table(
        "evaluation_texts",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], _DATASET, name="fk_evaluation_texts_dataset_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_evaluation_texts"),
    )
