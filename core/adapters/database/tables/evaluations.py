"""Evaluations: what was asked, what each dataset scored, and every sample. Lists read the narrow tables; a question's
whole text lies in one of its own."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.evaluation import DatasetOutcome, EvaluationRequest
from core.domain.evaluation_scores import Conditions


class EvaluationTable(Base):
    __tablename__ = "evaluations"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    request: Mapped[EvaluationRequest] = mapped_column(Record(EvaluationRequest))


class EvaluationConditionsTable(Base):
    """What must be equal before two scores may be ranked together, once for all scores that share it."""

    __tablename__ = "evaluation_conditions"

    key: Mapped[str] = mapped_column(primary_key=True)
    dataset: Mapped[str] = mapped_column(index=True)
    document: Mapped[Conditions] = mapped_column(Record(Conditions))


class EvaluationDatasetTable(Base):
    """One dataset of an evaluation. ``position`` is its place in the request, -1 while its samples are being written;
    its conditions are known when they are."""

    __tablename__ = "evaluation_datasets"
    __table_args__ = (UniqueConstraint("run_id", "dataset"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    dataset: Mapped[str]
    position: Mapped[int]
    is_partial: Mapped[bool]
    conditions_key: Mapped[str | None] = mapped_column(ForeignKey("evaluation_conditions.key"))
    outcome: Mapped[DatasetOutcome] = mapped_column(Record(DatasetOutcome))


class EvaluationScoreTable(Base):
    """``subset`` None: the whole dataset. ``leads``: the primary score of the whole, which a leaderboard reads."""

    __tablename__ = "evaluation_scores"
    __table_args__ = (Index(None, "leads", "dataset", "conditions_key", "run_id"),)

    dataset_id: Mapped[int] = mapped_column(ForeignKey("evaluation_datasets.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    dataset: Mapped[str]
    conditions_key: Mapped[str]
    leads: Mapped[bool]
    subset: Mapped[str | None]
    category: Mapped[str | None]
    metric: Mapped[str]
    aggregation: Mapped[str]
    is_primary: Mapped[bool]
    score: Mapped[float | None]
    ci_low: Mapped[float | None]
    ci_high: Mapped[float | None]
    n: Mapped[int]
    requested: Mapped[int]
    errored: Mapped[int]
    unscored: Mapped[int]
    truncated: Mapped[int]
    overflow: Mapped[int]
    no_answer: Mapped[int]
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    duration_s: Mapped[float | None]
    is_partial: Mapped[bool]


class EvaluationSampleTable(Base):
    """One question, one repeat. ``number`` counts within its dataset, in the order of subset and answer; ``question``,
    ``gold`` and ``extracted`` are cut to a line."""

    __tablename__ = "evaluation_samples"
    __table_args__ = (Index(None, "dataset_id", "ending", "number"),)

    dataset_id: Mapped[int] = mapped_column(ForeignKey("evaluation_datasets.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    subset: Mapped[str]
    question_key: Mapped[int] = mapped_column(BigInteger)
    repeat: Mapped[int]
    ending: Mapped[str]
    score: Mapped[float | None]
    question: Mapped[str]
    gold: Mapped[str]
    extracted: Mapped[str | None]
    stop_reason: Mapped[str | None]
    output_tokens: Mapped[int | None]
    latency_ms: Mapped[float | None]


class EvaluationTextTable(Base):
    """A whole sample, compressed."""

    __tablename__ = "evaluation_texts"

    dataset_id: Mapped[int] = mapped_column(ForeignKey("evaluation_datasets.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
