"""Logins and mirror of image registries: who and where in the preferences, passwords among the secrets."""

from __future__ import annotations

import json

from core.domain.registry import PullSource, RegistryLogin, mirrored, registry_of
from core.ports import PreferenceStore, Secrets

_LOGINS = "registries.logins"
_MIRROR = "registries.mirror"


class KeptRegistries:
    """Fulfils ports.Registries."""

    def __init__(self, preferences: PreferenceStore, secrets: Secrets) -> None:
        self._preferences = preferences
        self._secrets = secrets

    def resolve(self, image: str) -> PullSource:
        reference = mirrored(image, self.mirror())
        registry = registry_of(reference)
        user = dict(self.logins()).get(registry)
        password = self._secrets.get(_ref(registry)) if user is not None else None
        return PullSource(reference, RegistryLogin(user, password) if user is not None and password else None)

    def logins(self) -> tuple[tuple[str, str], ...]:
        kept: dict[str, str] = json.loads(self._preferences.get(_LOGINS) or "{}")
        return tuple(sorted(kept.items()))

    def save(self, registry: str, login: RegistryLogin) -> None:
        self._secrets.put(_ref(registry), login.password)
        self._keep({**dict(self.logins()), registry: login.user})

    def forget(self, registry: str) -> None:
        self._keep({name: user for name, user in self.logins() if name != registry})
        self._secrets.delete(_ref(registry))

    def mirror(self) -> str:
        return self._preferences.get(_MIRROR) or ""

    def set_mirror(self, prefix: str) -> None:
        self._preferences.set(_MIRROR, prefix)

    def _keep(self, logins: dict[str, str]) -> None:
        self._preferences.set(_LOGINS, json.dumps(logins))


def _ref(registry: str) -> str:
    return f"registry/{registry}"
