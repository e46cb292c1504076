"""The composition root: settings in, a whole core out. The one place where adapters meet services."""

from __future__ import annotations

from dataclasses import dataclass

from core.adapters.clock import SystemClock
from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore
from core.adapters.disk import LocalDisk
from core.adapters.endpoint_http import HttpEndpointClient
from core.adapters.secrets import EncryptedSecrets
from core.ports import Clock, Secrets
from core.services.access import AccessService
from core.services.endpoints import EndpointService
from core.services.storage import StorageService
from core.settings import Settings, read_settings


@dataclass(frozen=True)
class App:
    """Everything a page, a command or the worker may use."""

    settings: Settings
    store: DatabaseStore
    clock: Clock
    secrets: Secrets
    access: AccessService
    endpoints: EndpointService
    storage: StorageService


def compose(settings: Settings | None = None) -> App:
    """Makes the data folder, brings the database up to date, and wires the services. Raises StoreError."""
    settings = settings or read_settings()
    for folder in (settings.home, settings.logs, settings.locks, settings.work):
        folder.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_url)
    store = DatabaseStore(settings.database_url, artifact_limit_mib=settings.artifact_limit_mib)
    clock = SystemClock()
    secrets = EncryptedSecrets(store.tokens, settings.home, settings.secret_key)
    return App(
        settings=settings,
        store=store,
        clock=clock,
        secrets=secrets,
        access=AccessService(store.accounts, clock),
        endpoints=EndpointService(store.endpoints, HttpEndpointClient(clock), secrets, clock),
        storage=StorageService(settings, LocalDisk()),
    )
