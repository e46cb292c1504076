"""Deployments remember what was asked for, what was accepted and how their start went; images their own flags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deployments") as table:
        table.add_column(sa.Column("request", sa.Text(), nullable=True))
        table.add_column(sa.Column("accepted", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("stages", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("adopted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "image_flags",
        sa.Column("image_id", sa.String(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_image_flags"),
    )
