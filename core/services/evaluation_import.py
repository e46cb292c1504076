"""Evaluations that EvalScope made elsewhere, taken into the history."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

from core.domain.access import Actor, Role
from core.domain.benchmark import RunHead, RunKind, RunState
from core.domain.endpoint import Endpoint, Origin, UrlError, canonical_url
from core.domain.evaluation_import import FoundEvaluation, ImportedEvaluation
from core.domain.evaluation_scores import asked_key, headline
from core.errors import NotFoundError
from core.ports import Clock, EvaluationFolders, Store
from core.services.access import require

ENGINE = "evalscope"
UNKNOWN_URL = "http://unknown.invalid/v1"
"""Of an evaluation without a saved configuration: no server has this name, by its standard (RFC 6761)."""


class EvaluationImport:
    """One run for every model in every output folder."""

    def __init__(self, store: Store, folders: EvaluationFolders, clock: Clock, product_version: str) -> None:
        self._store = store
        self._folders = folders
        self._clock = clock
        self._product_version = product_version

    def import_folder(self, actor: Actor, folder: Path, version_label: str = "") -> tuple[ImportedEvaluation, ...]:
        """Everything in a folder and below; what is here already is named and left alone, so that a folder that grew
        can be given again. Raises NotAllowed, BadInput (folder_missing, folder_not_evalscope), OutputNotUnderstood."""
        require(actor, Role.OPERATOR)
        return tuple(self._take(actor, found, version_label) for found in self._folders.find(folder))

    def _take(self, actor: Actor, found: FoundEvaluation, version_label: str) -> ImportedEvaluation:
        run_id = f"eval-{found.digest}"
        names = tuple(outcome.key for outcome in found.outcomes)
        is_new = not self._is_here(run_id)
        if is_new:
            with self._store.atomic():
                endpoint = self._endpoint(actor, found)
                self._store.runs.add(self._run(actor, found, run_id, endpoint, version_label))
                self._store.evaluations.add(run_id, found.request)
        for outcome in found.outcomes:
            self._store.evaluations.save(run_id, outcome, self._folders.samples(found, outcome.key))
        self._finish(run_id, found)
        return ImportedEvaluation(run_id, found.model, names, is_new)

    def _is_here(self, run_id: str) -> bool:
        try:
            self._store.runs.head(run_id)
        except NotFoundError:
            return False
        return True

    def _finish(self, run_id: str, found: FoundEvaluation) -> None:
        """Also after an import that was cut off."""
        rows = self._store.evaluations.scores(run_id)
        self._store.runs.set_parts(run_id, len({row.dataset for row in rows}), headline(rows, len(found.outcomes)))
        is_partial = any(outcome.is_partial for outcome in found.outcomes)
        state = RunState.PARTIAL if is_partial else RunState.COMPLETE
        self._store.runs.set_state(run_id, state, ended_at=found.measured_at)

    def _endpoint(self, actor: Actor, found: FoundEvaluation) -> Endpoint:
        """The one of that address and model, else an archived one: what was asked elsewhere is not offered here."""
        url = _url(found.base_url)
        known = self._store.endpoints.find(url, found.model)
        if known is not None:
            return known
        now: datetime = self._clock.now()
        endpoint = Endpoint(
            id=f"ep-{uuid.uuid4().hex[:12]}",
            name=found.model,
            base_url=url,
            served_name=found.model,
            origin=Origin.ATTACHED,
            server_key=f"imported:{url}",
            version_label="",
            version_verified=False,
            created_at=now,
            created_by=actor.name,
            archived_at=now,
        )
        self._store.endpoints.add(endpoint)
        return endpoint

    def _run(
        self, actor: Actor, found: FoundEvaluation, run_id: str, endpoint: Endpoint, version_label: str
    ) -> RunHead:
        names = ", ".join(outcome.key for outcome in found.outcomes)
        return RunHead(
            id=run_id,
            endpoint_id=endpoint.id,
            model=found.model,
            version_label=version_label.strip(),
            origin=Origin.ATTACHED.value,
            engine=ENGINE,
            state=RunState.PENDING,
            seed=found.request.seed,
            created_at=found.measured_at,
            created_by=actor.name,
            command=("seatrial", "eval", "import", found.folder),
            started_at=None,
            kind=RunKind.EVALUATION,
            parts_total=len(found.outcomes),
            workload_label=names,
            workload_key=asked_key(found.request),
            provenance={
                "imported_at": self._clock.now().isoformat(),
                "endpoint": {"base_url": endpoint.base_url, "served_name": found.model},
                "tool": ENGINE,
                "tool_version": found.evalscope_version,
                "product_version": self._product_version,
            },
        )


def _url(text: str | None) -> str:
    try:
        return canonical_url(text) if text else UNKNOWN_URL
    except UrlError:
        return UNKNOWN_URL
