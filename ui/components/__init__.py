"""Pieces that pages draw with. Import them from here."""

from ui.components.cards import confirm, empty_state
from ui.components.findings import draw_findings, field_findings, other_findings
from ui.components.job import job_buttons, job_card, job_fraction, progress_text, watch_job
from ui.components.links import go, link, link_button
from ui.components.pieces import (
    command_block,
    copyable,
    group,
    header,
    provenance_line,
    simulated_badge,
    state_badge,
    worker_notice,
)
from ui.error_cards import error_card
from ui.markdown import plain

__all__ = [
    "command_block",
    "confirm",
    "copyable",
    "draw_findings",
    "empty_state",
    "error_card",
    "field_findings",
    "go",
    "group",
    "header",
    "job_buttons",
    "job_card",
    "job_fraction",
    "link",
    "link_button",
    "other_findings",
    "plain",
    "progress_text",
    "provenance_line",
    "simulated_badge",
    "state_badge",
    "watch_job",
    "worker_notice",
]
