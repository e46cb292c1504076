"""Evaluations as they are written: one dataset at a time, its samples in batches that are read outside of any
transaction, its scores at the end. What pages read is in evaluation_lists.py."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import STANDINGS_VERSION, Database, mark
from core.adapters.database.evaluation_lists import EvaluationLists
from core.adapters.database.tables import (
    EvaluationConditionsTable,
    EvaluationDatasetTable,
    EvaluationSampleTable,
    EvaluationScoreTable,
    EvaluationTable,
    EvaluationTextTable,
)
from core.domain.evaluation import DatasetOutcome, EvaluationRequest, Sample, ScoreRow
from core.domain.evaluation_scores import (
    Conditions,
    Ending,
    ScoreCounter,
    common_end,
    common_start,
    conditions_of,
    question_key,
    snippet,
)
from core.errors import NotFoundError
from core.formats import records

_BATCH = 500
_SHORT = 80
_BEING_WRITTEN = -1
Edges = tuple[int, int]
"""Characters that all prompts of a subset share: at their beginning, at their end."""


class DatabaseEvaluationStore(EvaluationLists):
    """Beside the rows in ``runs``."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)

    def add(self, run_id: str, request: EvaluationRequest) -> None:
        with self._database.write() as session:
            session.add(EvaluationTable(run_id=run_id, request=request))
            session.flush()

    def request(self, run_id: str) -> EvaluationRequest:
        with self._database.read() as session:
            return _found(session, run_id).request

    def is_complete(self, run_id: str, dataset: str) -> bool:
        with self._database.read() as session:
            row = session.scalars(_dataset(run_id, dataset)).one_or_none()
            return row is not None and row.position != _BEING_WRITTEN and not row.is_partial

    def save(self, run_id: str, outcome: DatasetOutcome, samples: Iterable[Sample]) -> bool:
        """A reader sees the samples of a dataset only when its scores are there, too."""
        if self.is_complete(run_id, outcome.key):
            return False
        dataset_id = self._open(run_id, outcome)
        counter, edges, number = ScoreCounter(), dict[str, Edges](), 0
        for batch in _batches(samples):
            rows, texts = _rows(dataset_id, number, batch, counter, edges)
            with self._database.write(counted=False) as session:
                session.execute(insert(EvaluationSampleTable), rows)
                session.execute(insert(EvaluationTextTable), texts)
            number += len(batch)
        self._close(run_id, dataset_id, outcome, counter.rows(outcome))
        return True

    def _open(self, run_id: str, outcome: DatasetOutcome) -> int:
        """A place of its own, in that of a partial one or of one whose writer died."""
        with self._database.write() as session:
            mark(session, STANDINGS_VERSION)
            for old in session.scalars(_dataset(run_id, outcome.key)):
                _delete(session, old.id)
            row = EvaluationDatasetTable(
                run_id=run_id, dataset=outcome.key, position=_BEING_WRITTEN, is_partial=True, outcome=outcome
            )
            session.add(row)
            session.flush()
            return row.id

    def _close(self, run_id: str, dataset_id: int, outcome: DatasetOutcome, rows: Sequence[ScoreRow]) -> None:
        with self._database.write() as session:
            mark(session, STANDINGS_VERSION)
            request = _found(session, run_id).request
            conditions = conditions_of(request, outcome, rows[0].metric)
            _keep(session, conditions)
            dataset = session.get_one(EvaluationDatasetTable, dataset_id)
            dataset.position = _position(request, outcome.key)
            dataset.is_partial, dataset.conditions_key = outcome.is_partial, conditions.key
            session.flush()
            session.execute(
                insert(EvaluationScoreTable),
                [_score(run_id, dataset_id, place, row, conditions.key) for place, row in enumerate(rows)],
            )


def _dataset(run_id: str, dataset: str) -> Any:
    return select(EvaluationDatasetTable).filter_by(run_id=run_id, dataset=dataset)


def _found(session: Session, run_id: str) -> EvaluationTable:
    row = session.get(EvaluationTable, run_id)
    if row is None:
        raise NotFoundError(kind="evaluation", id=run_id)
    return row


def _delete(session: Session, dataset_id: int) -> None:
    for table in (EvaluationScoreTable, EvaluationTextTable, EvaluationSampleTable):
        session.execute(delete(table).where(table.dataset_id == dataset_id))
    session.execute(delete(EvaluationDatasetTable).where(EvaluationDatasetTable.id == dataset_id))
    session.expire_all()


def _keep(session: Session, conditions: Conditions) -> None:
    if session.get(EvaluationConditionsTable, conditions.key) is None:
        row = EvaluationConditionsTable(key=conditions.key, dataset=conditions.dataset, document=conditions)
        session.add(row)
        session.flush()


def _position(request: EvaluationRequest, key: str) -> int:
    """Its place in the request; behind all of them where it is not there."""
    asked = [choice.key for choice in request.datasets]
    return asked.index(key) if key in asked else len(asked)


def _batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    source = iter(samples)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _rows(
    dataset_id: int, first: int, batch: Sequence[Sample], counter: ScoreCounter, edges: dict[str, Edges]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    _find_edges(batch, edges)
    rows, texts = [], []
    for number, sample in enumerate(batch, first):
        ending = counter.add(sample)
        rows.append(_sample_row(dataset_id, number, sample, ending, edges.get(sample.subset, (0, 0))))
        content = zlib.compress(records.dumps(Sample, sample).encode(), 1)
        texts.append({"dataset_id": dataset_id, "number": number, "content": content})
    return rows, texts


def _find_edges(batch: Sequence[Sample], edges: dict[str, Edges]) -> None:
    """What the prompts of a subset begin and end with alike, from the first batch that has two of them."""
    questions = defaultdict(set)
    for sample in batch:
        if sample.subset not in edges:
            questions[sample.subset].add(sample.question)
    for subset, found in questions.items():
        if len(found) > 1:
            texts = sorted(found)
            edges[subset] = (common_start(texts), common_end(texts))


def _sample_row(dataset_id: int, number: int, sample: Sample, ending: Ending, edges: Edges) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id,
        "number": number,
        "subset": sample.subset,
        "question_key": question_key(sample),
        "repeat": sample.repeat,
        "ending": ending.value,
        "score": sample.score,
        "question": snippet(sample.question, *edges),
        "gold": snippet(sample.gold, length=_SHORT),
        "extracted": None if sample.extracted is None else snippet(sample.extracted, length=_SHORT),
        "stop_reason": sample.stop_reason,
        "output_tokens": sample.output_tokens,
        "latency_ms": sample.latency_ms,
    }


def _score(run_id: str, dataset_id: int, place: int, row: ScoreRow, conditions_key: str) -> dict[str, Any]:
    low, high = row.ci95 or (None, None)
    values = {name: value for name, value in vars(row).items() if name != "ci95"}
    return {
        **values,
        "dataset_id": dataset_id,
        "position": place,
        "run_id": run_id,
        "conditions_key": conditions_key,
        "leads": place == 0,
        "ci_low": low,
        "ci_high": high,
    }
