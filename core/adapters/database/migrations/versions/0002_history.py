"""History: kinds of runs, what they are filtered by, tags, archive, kept views, annotations."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FILTERS = (
    "created_at",
    "id",
    "archived_at",
    "model",
    "version_key",
    "platform",
    "profile",
    "image",
    "workload_key",
    "engine",
    "kind",
    "created_by",
    "tags",
    "search_text",
)


def upgrade() -> None:
    """Columns, then their values for the runs that are there, then the indexes."""
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("input_tokens", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("output_tokens", existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="sweep"))
        batch.add_column(sa.Column("version_key", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("platform", sa.String(), nullable=True))
        batch.add_column(sa.Column("profile", sa.String(), nullable=True))
        batch.add_column(sa.Column("image", sa.String(), nullable=True))
        batch.add_column(sa.Column("workload_key", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("workload_label", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("score", sa.Double(), nullable=True))
        batch.add_column(sa.Column("tags", sa.Text(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("run_details") as batch:
        batch.alter_column("workload", existing_type=sa.Text(), nullable=True)
    _create_tables()
    _fill()
    op.drop_index("ix_runs_created_at_id", "runs")
    op.drop_index("ix_runs_model_created_at_id", "runs")
    op.create_index("ix_runs_filters", "runs", list(_FILTERS))


def _create_tables() -> None:
    op.create_table(
        "run_facets",
        sa.Column("facet", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("facet", "value", name="pk_run_facets"),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_ids", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
    )
    op.create_index("ix_saved_views_page_created_at", "saved_views", ["page", "created_at"])
    op.create_table(
        "annotations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("platform", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
    )
    op.create_index("ix_annotations_at", "annotations", ["at"])


def _fill() -> None:
    """What core.domain.run_identity would have said when this revision was written."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT runs.id, model, version_label, engine, created_by, workload, provenance FROM runs"
            " JOIN run_details ON run_details.run_id = runs.id"
        )
    ).all()
    facets: dict[tuple[str, str], str] = {("kind", "sweep"): "sweep"} if rows else {}
    for row in rows:
        found = _columns(row)
        connection.execute(
            sa.text(
                "UPDATE runs SET version_key = :version_key, image = :image, workload_key = :workload_key,"
                " workload_label = :workload_label WHERE id = :id"
            ),
            {**found, "id": row.id},
        )
        facets |= {("model", row.model): row.model, ("engine", row.engine): row.engine}
        facets |= {("created_by", row.created_by): row.created_by}
        facets |= {("version_key", found["version_key"]): f"{row.model} {row.version_label}".strip()}
        facets |= {("workload_key", found["workload_key"]): found["workload_label"]}
        facets |= {("image", found["image"]): found["image"]} if found["image"] else {}
    for (facet, value), label in facets.items():
        connection.execute(
            sa.text("INSERT INTO run_facets (facet, value, label) VALUES (:facet, :value, :label)"),
            {"facet": facet, "value": value, "label": label},
        )


def _columns(row: Any) -> dict[str, Any]:
    workload, told = json.loads(row.workload), json.loads(row.provenance)
    image = (told.get("container_spec") or {}).get("image") or None
    defaults = {"api": "completions", "temperature": 0.0, "ignore_eos": True}
    names = ("input_tokens", "output_tokens", *defaults)
    asked = {name: workload[name] for name in names if workload.get(name) != defaults.get(name)}
    route = "" if workload["api"] == "completions" else f" {workload['api']}"
    return {
        "version_key": _digest([row.model, row.version_label, None, told.get("image_digest") or image, None, None]),
        "image": image,
        "workload_key": _digest(asked),
        "workload_label": f"{workload['input_tokens']}/{workload['output_tokens']}{route}",
    }


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
