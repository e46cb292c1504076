"""What pages read of evaluations: scores, samples a page at a time, the rows of a leaderboard."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Select, case, false, func, or_, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import STANDINGS_VERSION, Database
from core.adapters.database.tables import (
    EvaluationConditionsTable,
    EvaluationDatasetTable,
    EvaluationSampleTable,
    EvaluationScoreTable,
    EvaluationTextTable,
    RunTable,
)
from core.domain.benchmark import Page, RunKind, RunState
from core.domain.evaluation import Sample, ScoreRow
from core.domain.evaluation_reading import (
    DatasetScores,
    LeadRow,
    Mark,
    SampleDetail,
    SampleFilter,
    SampleRow,
    Show,
    Speed,
    Tally,
)
from core.domain.evaluation_scores import Conditions, Ending
from core.domain.leaderboard import Entrant, Standings
from core.errors import NotFoundError
from core.formats import records

_Dataset, _Score, _Sample = EvaluationDatasetTable, EvaluationScoreTable, EvaluationSampleTable
_SCORE_COLUMNS = [getattr(_Score, field.name) for field in fields(ScoreRow) if field.name != "ci95"]
_SAMPLE_COLUMNS = [getattr(_Sample, field.name) for field in fields(SampleRow) if field.name != "dataset"]
_MARK_COLUMNS = [getattr(_Sample, name) for name in Mark._fields]
_ENDINGS = {ending.value: ending for ending in Ending}
_OF_RUN = {
    "run_id",
    "endpoint_id",
    "model",
    "version_label",
    "version_key",
    "platform",
    "origin",
    "state",
    "created_at",
}
_LEAD_COLUMNS = [
    RunTable.id if field.name == "run_id" else getattr(RunTable if field.name in _OF_RUN else _Score, field.name)
    for field in fields(LeadRow)
]
_ENTRANT_COLUMNS = (
    RunTable.id,
    *(getattr(RunTable, name) for name in Entrant._fields if name != "run_id"),
)
_STANDING_COLUMNS = (
    _Score.conditions_key,
    _Score.run_id,
    _Score.score,
    _Score.ci_low,
    _Score.ci_high,
    _Score.is_partial,
)
_NUMBERS_AT_ONCE = 500


class EvaluationLists:
    """Reads alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------ one evaluation

    def scores(self, run_id: str) -> tuple[ScoreRow, ...]:
        return tuple(row for dataset in self.datasets(run_id) for row in dataset.rows)

    def datasets(self, run_id: str) -> tuple[DatasetScores, ...]:
        """In the order in which they were asked."""
        asked = (
            select(_Dataset.id, _Dataset.dataset, _Dataset.is_partial, EvaluationConditionsTable.document)
            .join(EvaluationConditionsTable, EvaluationConditionsTable.key == _Dataset.conditions_key)
            .where(_Dataset.run_id == run_id, _Dataset.position >= 0)
            .order_by(_Dataset.position, _Dataset.id)
        )
        query = select(_Score.dataset_id, *_SCORE_COLUMNS, _Score.ci_low, _Score.ci_high)
        query = query.where(_Score.run_id == run_id).order_by(_Score.dataset_id, _Score.position)
        rows = defaultdict(list)
        with self._database.read() as session:
            for row in session.execute(query):
                rows[row.dataset_id].append(_score_row(row._mapping))
            found = session.execute(asked).all()
        return tuple(DatasetScores(row.dataset, row.document, row.is_partial, tuple(rows[row.id])) for row in found)

    def tallies(self, run_id: str) -> tuple[Tally, ...]:
        """What became of the questions, by dataset and subset."""
        share = case((_Sample.score >= 1, "right"), (_Sample.score > 0, "part"), else_=_Sample.ending).label("share")
        query = select(_Sample.dataset_id, _Sample.subset, share, func.count()).group_by(
            _Sample.dataset_id, _Sample.subset, share
        )
        with self._database.read() as session:
            names = _names(session, run_id, None)
            found = session.execute(query.where(_Sample.dataset_id.in_(names))).all()
        counts: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
        for dataset_id, subset, name, count in found:
            counts[dataset_id, subset]["wrong" if name == Ending.ANSWERED else name] = count
        ordered = sorted(counts, key=lambda key: (list(names).index(key[0]), key[1]))
        return tuple(Tally(names[key[0]], key[1], **counts[key]) for key in ordered)

    # ------------------------------------------------------------ samples

    def samples(
        self,
        run_id: str,
        wanted: SampleFilter,
        offset: int,
        limit: int,
        among: Mapping[str, Sequence[int]] | None = None,
    ) -> Page[SampleRow]:
        """By dataset, then in the order of their numbers. With ``among`` those of these numbers alone, by dataset."""
        with self._database.read() as session:
            names = _names(session, run_id, wanted.dataset)
            query = _filtered(select(_Sample.dataset_id, *_SAMPLE_COLUMNS), names, wanted, among)
            query = query.order_by(_Sample.dataset_id, _Sample.number).offset(offset).limit(limit)
            found = session.execute(query).all()
            count = _filtered(select(func.count()).select_from(_Sample), names, wanted, among)
            total = session.scalars(count).one()
        return Page(tuple(_sample_row(names[row.dataset_id], row._mapping) for row in found), total, offset)

    def sample(self, run_id: str, dataset: str, number: int) -> SampleDetail:
        """One, whole. Raises NotFoundError."""
        with self._database.read() as session:
            dataset_id = next(iter(_names(session, run_id, dataset)), None)
            key = (dataset_id, number)
            row = session.get(_Sample, key) if dataset_id is not None else None
            text = session.get(EvaluationTextTable, key) if dataset_id is not None else None
        if row is None or text is None:
            raise NotFoundError(kind="sample", id=f"{dataset} {number}")
        return SampleDetail(number, Ending(row.ending), _read_text(text.content))

    def whole_samples(self, run_id: str, dataset: str) -> list[tuple[int, Ending, Sample]]:
        """Every sample of a dataset, whole, for an export."""
        query = (
            select(_Sample.number, _Sample.ending, EvaluationTextTable.content)
            .join(
                EvaluationTextTable,
                (EvaluationTextTable.dataset_id == _Sample.dataset_id) & (EvaluationTextTable.number == _Sample.number),
            )
            .order_by(_Sample.number)
        )
        with self._database.read() as session:
            names = _names(session, run_id, dataset)
            found = session.execute(query.where(_Sample.dataset_id.in_(names)))
            return [(row.number, Ending(row.ending), _read_text(row.content)) for row in found]

    def marks(self, run_id: str, dataset: str) -> tuple[Mark, ...]:
        """What a comparison needs of every sample of a dataset."""
        with self._database.read() as session:
            names = _names(session, run_id, dataset)
            query = select(*_MARK_COLUMNS).where(_Sample.dataset_id.in_(names)).order_by(_Sample.number)
            found = session.execute(query).all()
        return tuple(Mark(row[0], row[1], row[2], row[3], _ENDINGS[row[4]], row[5]) for row in found)

    def numbered(self, run_id: str, dataset: str, numbers: Sequence[int]) -> Mapping[int, SampleRow]:
        """Some samples of a dataset, as they stand in a list."""
        with self._database.read() as session:
            names = _names(session, run_id, dataset)
            query = select(*_SAMPLE_COLUMNS).where(_Sample.dataset_id.in_(names))
            found = session.execute(query.where(_Sample.number.in_(numbers[:_NUMBERS_AT_ONCE]))).all()
        return {row.number: _sample_row(dataset, row._mapping) for row in found}

    # ------------------------------------------------------------ across evaluations

    def standings(self, run_ids: Sequence[str] | None = None) -> Standings:
        """Every primary score, and whose it is; archived runs are left out. With ``run_ids`` these evaluations alone,
        archived or not. Two plain reads: a window over their join costs three times as much."""
        runs = select(*_ENTRANT_COLUMNS).order_by(RunTable.created_at, RunTable.id)
        scores = select(*_STANDING_COLUMNS).where(_Score.leads.is_(True))
        if run_ids is None:
            runs = runs.where(RunTable.kind == RunKind.EVALUATION.value, RunTable.archived_at.is_(None))
        else:
            runs, scores = runs.where(RunTable.id.in_(run_ids)), scores.where(_Score.run_id.in_(run_ids))
        with self._database.read() as session:
            connection = session.connection()  # rows, past the session: no object is made of any of them
            entrants: Sequence[Any] = connection.execute(runs).all()
            standings: Sequence[Any] = connection.execute(scores).all()
        return Standings(entrants, standings)

    def standings_version(self) -> int:
        """Grows with every write that standings, their rows or their history could show."""
        return self._database.version(STANDINGS_VERSION)

    def conditions(self) -> Mapping[str, Conditions]:
        """By their key, all of them."""
        with self._database.read() as session:
            return {row.key: row.document for row in session.scalars(select(EvaluationConditionsTable))}

    def leads(self, conditions_key: str, run_ids: Sequence[str]) -> Mapping[str, LeadRow]:
        """Some evaluations' primary scores under these conditions, by run."""
        query = _leads(archived=True).where(_Score.conditions_key == conditions_key, _Score.run_id.in_(run_ids))
        with self._database.read() as session:
            rows = [_lead_row(row) for row in session.execute(query)]
        return {row.run_id: row for row in rows}

    def history(self, model: str, conditions_key: str, limit: int = 500) -> tuple[LeadRow, ...]:
        """Every evaluation of a model under these conditions, the oldest first; of very many the newest."""
        query = _leads().where(RunTable.model == model, _Score.conditions_key == conditions_key)
        query = query.order_by(RunTable.created_at.desc(), RunTable.id.desc()).limit(limit)
        with self._database.read() as session:
            return tuple(_lead_row(row) for row in reversed(session.execute(query).all()))

    def speeds(self) -> Mapping[str, Speed]:
        """The best throughput of every version that was swept, by its key."""
        place = func.row_number().over(
            partition_by=RunTable.version_key, order_by=(RunTable.best_output_tokens_per_s.desc(), RunTable.id)
        )
        columns = (RunTable.version_key, RunTable.model, RunTable.version_label, RunTable.best_output_tokens_per_s)
        inner = (
            select(*columns, RunTable.id, place.label("place"))
            .where(RunTable.kind == RunKind.SWEEP.value, RunTable.archived_at.is_(None))
            .where(RunTable.best_output_tokens_per_s.is_not(None))
            .subquery()
        )
        with self._database.read() as session:
            found = session.execute(select(inner).where(inner.c.place == 1)).all()
        return {row[0]: Speed(*row[:5]) for row in found}


def _leads(*, archived: bool = False) -> Select[Any]:
    query = select(*_LEAD_COLUMNS).select_from(_Score).join(RunTable, RunTable.id == _Score.run_id)
    query = query.where(_Score.leads.is_(True))
    return query if archived else query.where(RunTable.archived_at.is_(None))


def _names(session: Session, run_id: str, dataset: str | None) -> dict[int, str]:
    """The run's datasets by id, in the order in which they were asked."""
    query = select(_Dataset.id, _Dataset.dataset).where(_Dataset.run_id == run_id, _Dataset.position >= 0)
    if dataset is not None:
        query = query.where(_Dataset.dataset == dataset)
    return {row.id: row.dataset for row in session.execute(query.order_by(_Dataset.position))}


def _filtered(
    query: Select[Any],
    names: Mapping[int, str],
    wanted: SampleFilter,
    among: Mapping[str, Sequence[int]] | None = None,
) -> Select[Any]:
    query = query.where(_Sample.dataset_id.in_(names))
    if among is not None:
        parts = [(_Sample.dataset_id == key) & _Sample.number.in_(among.get(name, ())) for key, name in names.items()]
        query = query.where(or_(false(), *parts))
    if wanted.subset is not None:
        query = query.where(_Sample.subset == wanted.subset)
    if wanted.show is Show.WRONG:
        query = query.where(_Sample.score < 1)
    elif wanted.show not in {Show.ALL, Show.FLIPPED}:
        query = query.where(_Sample.ending == wanted.show.value)
    for word in wanted.text.split():
        columns = (_Sample.question, _Sample.gold, _Sample.extracted)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return query


def _score_row(columns: Mapping[Any, Any]) -> ScoreRow:
    low, high = columns["ci_low"], columns["ci_high"]
    values = {name: value for name, value in columns.items() if name not in {"ci_low", "ci_high", "dataset_id"}}
    return ScoreRow(**values, ci95=None if low is None else (low, high))


def _sample_row(dataset: str, columns: Mapping[Any, Any]) -> SampleRow:
    values = {name: value for name, value in columns.items() if name != "dataset_id"}
    return SampleRow(**{**values, "ending": Ending(values["ending"])}, dataset=dataset)


def _lead_row(row: Sequence[Any]) -> LeadRow:
    values = dict(zip((field.name for field in fields(LeadRow)), row, strict=True))
    return LeadRow(**{**values, "state": RunState(values["state"])})


def _read_text(content: bytes) -> Sample:
    return records.loads(Sample, zlib.decompress(content).decode())
