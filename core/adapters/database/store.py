"""The results database as core.ports.Store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from core.adapters.database.accounts import DatabaseAccountStore
from core.adapters.database.artifacts import DatabaseArtifactStore
from core.adapters.database.comparisons import DatabaseBaselineStore, DatabaseNoiseStore
from core.adapters.database.connection import Database
from core.adapters.database.deployments import DatabaseDeploymentStore
from core.adapters.database.endpoints import DatabaseEndpointStore
from core.adapters.database.evaluations import DatabaseEvaluationStore
from core.adapters.database.history import DatabaseAnnotationStore, DatabaseViewStore
from core.adapters.database.jobs import DatabaseJobStore
from core.adapters.database.questions import DatabaseQuestionStore
from core.adapters.database.runs import DatabaseRunStore
from core.adapters.database.texts import DatabasePreferenceStore, TokenStore
from core.adapters.database.webuis import DatabaseWebUiStore
from core.adapters.database.weights import DatabaseWeightsStore


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseStore:
    """Every record store over one database, which ``migrations.migrate(url)`` has brought up to date."""

    def __init__(
        self,
        url: str,
        *,
        artifact_limit_mib: int = 512,
        now: Callable[[], datetime] = _utc_now,
        busy_timeout_s: float = 10.0,
    ) -> None:
        self._database = Database(url, busy_timeout_s)
        self._endpoints = DatabaseEndpointStore(self._database)
        self._runs = DatabaseRunStore(self._database)
        self._views = DatabaseViewStore(self._database)
        self._annotations = DatabaseAnnotationStore(self._database)
        self._jobs = DatabaseJobStore(self._database)
        self._deployments = DatabaseDeploymentStore(self._database)
        self._evaluations = DatabaseEvaluationStore(self._database)
        self._artifacts = DatabaseArtifactStore(self._database, now, artifact_limit_mib)
        self._accounts = DatabaseAccountStore(self._database)
        self._baselines = DatabaseBaselineStore(self._database)
        self._noise = DatabaseNoiseStore(self._database)
        self._preferences = DatabasePreferenceStore(self._database)
        self._questions = DatabaseQuestionStore(self._database)
        self._tokens = TokenStore(self._database)
        self._webuis = DatabaseWebUiStore(self._database)
        self._weights = DatabaseWeightsStore(self._database)

    @property
    def endpoints(self) -> DatabaseEndpointStore:
        return self._endpoints

    @property
    def runs(self) -> DatabaseRunStore:
        return self._runs

    @property
    def views(self) -> DatabaseViewStore:
        return self._views

    @property
    def annotations(self) -> DatabaseAnnotationStore:
        return self._annotations

    @property
    def jobs(self) -> DatabaseJobStore:
        return self._jobs

    @property
    def deployments(self) -> DatabaseDeploymentStore:
        return self._deployments

    @property
    def evaluations(self) -> DatabaseEvaluationStore:
        return self._evaluations

    @property
    def artifacts(self) -> DatabaseArtifactStore:
        return self._artifacts

    @property
    def accounts(self) -> DatabaseAccountStore:
        return self._accounts

    @property
    def baselines(self) -> DatabaseBaselineStore:
        return self._baselines

    @property
    def noise(self) -> DatabaseNoiseStore:
        return self._noise

    @property
    def preferences(self) -> DatabasePreferenceStore:
        return self._preferences

    @property
    def webuis(self) -> DatabaseWebUiStore:
        return self._webuis

    @property
    def weights(self) -> DatabaseWeightsStore:
        return self._weights

    @property
    def questions(self) -> DatabaseQuestionStore:
        return self._questions

    @property
    def tokens(self) -> TokenStore:
        """Encrypted secrets, for core.adapters.secrets alone."""
        return self._tokens

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction around several stores' verbs: all of them, or none. Keep it short."""
        with self._database.write():
            yield

    def ping(self) -> None:
        """Raises StoreError when the database does not answer."""
        self._database.ping()

    def data_version(self) -> int:
        """Grows with every write but live progress, heartbeats and sign-ins, from any process."""
        return self._database.data_version()

    def close(self) -> None:
        """Gives every connection back."""
        self._database.close()
