"""Scores that others published, and when ours may stand beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from core.domain.evaluation_reading import LeadRow
from core.domain.evaluation_scores import Conditions


@dataclass(frozen=True)
class Reference:
    """One published figure. ``platform`` is the publisher's word for where it was measured; ``n`` the number of
    questions, None where it is not told; ``subsets`` how many parts of the dataset; ``repeats`` how many answers to a
    question were averaged; ``judge`` the model that judged, ``thinking`` how the model was switched, both where told;
    ``label`` the publisher's name of an edition of the dataset that is not this one."""

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
    thinking: bool | None = None
    label: str | None = None
    note: str | None = None


@lru_cache(4096)
def model_word(name: str) -> str:
    """What two spellings of a model's name share: the last part of a path, small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.rstrip("/").rpartition("/")[2].casefold())


def is_of(reference: Reference, row: LeadRow) -> bool:
    """Whether a reference is about a row's model and dataset."""
    return reference.dataset == row.dataset and model_word(reference.model) == model_word(row.model)


def is_like(reference: Reference, row: LeadRow, conditions: Conditions) -> bool:
    """Whether the same was asked and scored in the same way, as far as a published table tells: as many questions
    where it says how many, else the whole dataset; the same metric, judge and thinking where they are named. Its
    prompts and its sampling are seldom told; how many answers were averaged changes no mean."""
    if reference.label is not None or not _is_scored_alike(reference, conditions):
        return False
    if reference.n is None:
        return not conditions.limit and not conditions.subsets
    return round(row.requested / max(1, conditions.repeats)) == reference.n


_SAME_METRIC = {
    "acc": "accuracy",
    "averageaccuracy": "accuracy",
    "averagepass1": "accuracy",
    "correct": "iscorrect",
    "em": "accuracy",
    "pass1": "accuracy",
    "promptlevelstrictacc": "promptlevelstrict",
}
"""A share of right answers goes by many names; pass@1 over several answers is their mean."""


def _is_scored_alike(reference: Reference, conditions: Conditions) -> bool:
    if reference.metric is not None and _metric_word(reference.metric) != _metric_word(conditions.metric):
        return False
    if reference.judge is not None and model_word(reference.judge) != model_word(conditions.judge or ""):
        return False
    return reference.thinking is None or reference.thinking == conditions.thinking


def _metric_word(name: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", name.casefold())
    return _SAME_METRIC.get(word, word)
