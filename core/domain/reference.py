"""Scores that others published, and when ours may stand beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.domain.evaluation_reading import LeadRow
from core.domain.evaluation_scores import Conditions


@dataclass(frozen=True)
class Reference:
    """One published figure. ``platform`` is the publisher's word for where it was measured; ``n`` the number of
    questions, None where it is not told; ``subsets`` how many parts of the dataset; ``label`` the publisher's name of
    the dataset where it differs."""

    model: str
    dataset: str
    platform: str
    score: float
    source: str
    n: int | None = None
    subsets: int | None = None
    limit: int | None = None
    repeats: int | None = None
    metric: str | None = None
    judge: str | None = None
    label: str | None = None
    note: str | None = None


def model_word(name: str) -> str:
    """What two spellings of a model's name share: the last part of a path, small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.rstrip("/").rpartition("/")[2].casefold())


def is_of(reference: Reference, row: LeadRow) -> bool:
    """Whether a reference is about a row's model and dataset."""
    return reference.dataset == row.dataset and model_word(reference.model) == model_word(row.model)


def is_like(reference: Reference, row: LeadRow, conditions: Conditions) -> bool:
    """Whether the same was asked, as far as a published table tells: as many questions where it says how many, else the
    whole dataset. Its prompts and its sampling are seldom told."""
    if reference.n is None:
        return not conditions.limit and not conditions.subsets
    return round(row.requested / max(1, conditions.repeats)) == reference.n
