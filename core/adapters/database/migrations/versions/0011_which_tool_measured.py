"""A list names what measured each run, with its version."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT_ONCE = 1000


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("tool", sa.String(), nullable=False, server_default=""))
    _fill()


def _fill() -> None:
    """What core.domain.benchmark.tool_words would have said when this revision was written."""
    asked = {run_id: {words} for run_id, words in _told("SELECT run_id, provenance FROM run_details")}
    measured: dict[str, set[str]] = {}
    for run_id, words in _told("SELECT run_id, document FROM measurements"):
        measured.setdefault(run_id, set()).add(words)
    rows = [{"tool": ", ".join(sorted(words)), "id": run_id} for run_id, words in {**asked, **measured}.items()]
    if rows:
        op.get_bind().execute(sa.text("UPDATE runs SET tool = :tool WHERE id = :id"), rows)


def _told(query: str) -> Iterator[tuple[str, str]]:
    for run_id, text in op.get_bind().execute(sa.text(query).execution_options(yield_per=_AT_ONCE)):
        told = json.loads(text)
        words = (str(told.get(name) or "") for name in ("tool", "tool_version"))
        yield run_id, " ".join(word for word in words if word and word != "unknown")
