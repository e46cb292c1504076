"""Datasets: the list to choose from, and questions that people bring."""

from __future__ import annotations

import io
import re
import unicodedata
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.domain.access import Actor, Role
from core.domain.dataset_job import DatasetJob, request_name
from core.domain.evaluation import Dataset, DatasetChoice, DatasetOrigin, Hub, Need
from core.domain.finding import Finding, Severity
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.questions import Question, QuestionSet, UploadCheck
from core.errors import BadInput, NotFoundError, PlanBlocked
from core.formats import records
from core.formats.questions import folder_files, read_upload
from core.ports import Clock, DatasetFolders, EvaluationCatalog, JobQueue, QuestionStore, Store
from core.services.access import require

QUESTION_FOLDER = "questions"
"""Where EvalScope's own call, as it is shown, looks for questions that are not EvalScope's."""

OWN_PREFIX = "own-"
SERVER_KEY = "datasets:hub"
"""One at a time: two children would fill the same cache."""
_NAME_LIMIT = 60
_SUBSET = "all"


@dataclass(frozen=True)
class DatasetFilter:
    """``text`` looks into key, name, tags and description, whatever the case; every word must be there."""

    text: str = ""
    category: str | None = None
    offline_only: bool = False
    usable_only: bool = False


@dataclass(frozen=True)
class DatasetRow:
    """An entry of the list. ``is_here``: it can be asked without a network."""

    dataset: Dataset
    is_here: bool


class DatasetService:
    """Nothing here imports EvalScope."""

    def __init__(
        self, catalog: EvaluationCatalog, store: Store, queue: JobQueue, folders: DatasetFolders, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._questions: QuestionStore = store.questions
        self._queue = queue
        self._folders = folders
        self._clock = clock

    # ------------------------------------------------------------ the list

    def known(self) -> dict[str, Dataset]:
        """Every dataset by key: shipped, own, EvalScope's."""
        shipped = [one.dataset() for one in self._catalog.shipped()]
        return {dataset.key: dataset for dataset in (*shipped, *self._questions.list(), *self._catalog.datasets())}

    def list(self, where: DatasetFilter | None = None) -> tuple[DatasetRow, ...]:
        """What is here first, then by name."""
        wanted, known = where or DatasetFilter(), self.known()
        here = self.here(known.values())
        rows = [DatasetRow(dataset, key in here) for key, dataset in known.items()]
        found = [row for row in rows if _fits(row, wanted)]
        order = {DatasetOrigin.SHIPPED: 0, DatasetOrigin.OWN: 1, DatasetOrigin.EVALSCOPE: 2}
        return tuple(sorted(found, key=lambda row: (not row.is_here, order[row.dataset.origin])))

    def here(self, datasets: Iterable[Dataset]) -> frozenset[str]:
        """Keys of those that can be asked without a network."""
        all_of_them = tuple(datasets)
        shipped = frozenset(dataset.key for dataset in all_of_them if dataset.is_offline)
        return shipped | self._folders.cached(all_of_them)

    def question_set(self, key: str, version: int | None = None) -> QuestionSet:
        """A shipped or own set, whole. Raises NotFoundError."""
        shipped = next((one for one in self._catalog.shipped() if one.key == key), None)
        return shipped or self._questions.get(key, version)

    def question_zip(self, choices: Sequence[DatasetChoice]) -> bytes:
        """The folders of shipped and own questions as EvalScope reads them; of its own datasets there is none."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for choice in choices:
                with suppress(NotFoundError):
                    found = self.question_set(choice.key, choice.version)
                    for name, text in folder_files(found.kind, found.subsets).items():
                        archive.writestr(f"{QUESTION_FOLDER}/{choice.key}/{name}", text)
        return packed.getvalue()

    def preview(self, key: str, count: int = 5) -> tuple[Question, ...]:
        """The first questions of every subset of a set that is here; none of EvalScope's."""
        try:
            found = self.question_set(key)
        except NotFoundError:
            return ()
        return tuple(one for questions in found.subsets.values() for one in questions[:count])

    def versions(self, key: str) -> tuple[Dataset, ...]:
        """Every version of an own set, the newest first."""
        return self._questions.versions(key)

    # ------------------------------------------------------------ folders

    def folder_problem(self, folder: str) -> str | None:
        """The code of the finding that speaks against a folder; None where nothing does."""
        return self._folders.problem(Path(folder))

    # ------------------------------------------------------------ fetching

    def fetch(self, actor: Actor, choices: tuple[DatasetChoice, ...], hub: Hub = Hub.MODELSCOPE) -> JobView:
        """Queues a job that loads each dataset: from the hub, for later, or from a folder, to see whether it is one.
        Raises NotAllowed and PlanBlocked: eval_no_datasets, eval_dataset_strange, eval_folder_*."""
        require(actor, Role.OPERATOR)
        known = {dataset.key for dataset in self._catalog.datasets()}
        blocks = [one for choice in choices for one in self._fetch_findings(choice, known)]
        if not choices:
            blocks.append(Finding("eval_no_datasets", Severity.BLOCK, "datasets"))
        if blocks:
            raise PlanBlocked(tuple(blocks))
        job = self._job(actor, choices)
        with self._store.atomic():
            self._store.preferences.set(request_name(job.id), records.dumps(DatasetJob, DatasetJob(choices, hub)))
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _fetch_findings(self, choice: DatasetChoice, known: set[str]) -> Iterator[Finding]:
        if choice.key not in known:
            yield Finding("eval_dataset_strange", Severity.BLOCK, "datasets", {"key": choice.key})
        problem = self.folder_problem(choice.local_path) if choice.local_path is not None else None
        if problem:
            yield Finding(problem, Severity.BLOCK, "local_path", {"folder": choice.local_path, "key": choice.key})

    def _job(self, actor: Actor, choices: tuple[DatasetChoice, ...]) -> Job:
        return Job(
            id=f"job-{uuid.uuid4().hex[:12]}",
            kind=JobKind.DATASETS,
            title=", ".join(choice.key for choice in choices),
            server_key=SERVER_KEY,
            created_at=self._clock.now(),
            created_by=actor.name,
            steps_total=len(choices),
        )

    # ------------------------------------------------------------ own questions

    def check(self, data: bytes, file_name: str) -> UploadCheck:
        """Every row of an upload, looked at; nothing is kept."""
        return read_upload(data, file_name)

    def keep(self, actor: Actor, name: str, data: bytes, file_name: str, description: str = "") -> QuestionSet:
        """Keeps an upload as the next version of its name. Raises NotAllowed and BadInput: upload_name_bad,
        upload_not_sound (problems, row: the first)."""
        require(actor, Role.OPERATOR)
        key = own_key(name)
        found = self.check(data, file_name)
        if not found.is_sound or found.kind is None:
            first = next((problem.row for problem in found.problems if problem.row), None)
            raise BadInput("upload_not_sound", field="upload", problems=len(found.problems), row=first)
        return self._questions.add(
            QuestionSet(
                key=key,
                name=name.strip()[:_NAME_LIMIT],
                kind=found.kind,
                subsets={_SUBSET: found.questions},
                created_at=self._clock.now(),
                created_by=actor.name,
                description=description.strip(),
            )
        )


def own_key(name: str) -> str:
    """The key of a brought set, from its name. Raises BadInput (upload_name_bad) where nothing is left of it."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    word = re.sub(r"[^\w]+", "-", plain).strip("-_")[:_NAME_LIMIT]
    if not word:
        raise BadInput("upload_name_bad", field="name", value=name)
    return f"{OWN_PREFIX}{word}"


def _fits(row: DatasetRow, where: DatasetFilter) -> bool:
    dataset = row.dataset
    if where.offline_only and not row.is_here:
        return False
    if where.category is not None and dataset.category != where.category:
        return False
    if where.usable_only and {Need.AGENT, Need.EXTRA} & set(dataset.needs):
        return False
    text = " ".join((dataset.key, dataset.name, *dataset.tags, dataset.description, *dataset.languages)).casefold()
    return all(word in text for word in where.text.casefold().split())
