"""Whether a container of ours serves what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.domain.catalog import Catalog
from core.domain.deployment import Deployment
from core.domain.endpoint import EndpointCheck, Task
from core.domain.readiness import Promise, is_slow, unkept
from core.errors import Rejected, TimedOut, Unreachable
from core.formats import vllm_serve
from core.formats.serve_settings import promised_tasks, read_settings
from core.ports import EndpointClient, Secrets
from core.services.waiting import Cancelled, unless

_ANSWER_TIMEOUT_S = 180.0
_CHECK_LIMIT_S = 60.0
_TASKS_OF_KIND = {"embedding": (Task.EMBED,), "reranker": (Task.SCORE, Task.GENERATE)}
"""What a model of the catalog may do. Rerankers that are language models are also asked for a yes or a no."""


class Readiness:
    """Health, one real answer, and a check of what was promised."""

    def __init__(self, client: EndpointClient, secrets: Secrets, catalog: Callable[[], Catalog]) -> None:
        self._client = client
        self._secrets = secrets
        self._catalog = catalog

    def serves(self, deployment: Deployment, url: str, told: Callable[[], None], is_cancelled: Cancelled) -> bool:
        """False: not yet. ``told`` is called once it is healthy. Raises EndpointError where the server refuses to work,
        or is not what it was asked to be."""
        if not self._client.is_healthy(url):
            return False
        told()
        promise = self.promise_of(deployment)
        try:
            check = self._looked_at(deployment, url, promise, is_cancelled)
        except (TimedOut, Unreachable):
            return False  # the first one may compile for long, and what has died since shows in its container
        if check is None or not check.reachable or is_slow(check):
            return False
        for broken in unkept(promise, check):
            raise Rejected(broken.code, url=url, **broken.params)
        return True

    def key_of(self, deployment: Deployment) -> str | None:
        """The key that its server asks for."""
        ref = deployment.spec.secret_env.get(vllm_serve.KEY_VARIABLE)
        return self._secrets.get(ref) if ref else None

    def promise_of(self, deployment: Deployment) -> Promise:
        """What its container was told to serve, and what the catalog says that its model is for."""
        serve = vllm_serve.parse(deployment.spec.command)
        args = serve.args if serve else ()
        tasks = promised_tasks(args) or _TASKS_OF_KIND.get(self._kind(deployment), ())
        parser = read_settings(args).reasoning_parser
        return Promise(deployment.served_name, bool(deployment.spec.secret_env), parser, tasks)

    def _kind(self, deployment: Deployment) -> str:
        profile = deployment.request.profile if deployment.request else None
        entry = self._catalog().entry(profile) if profile else None
        return entry.model.kind if entry else ""

    def _looked_at(
        self, deployment: Deployment, url: str, promise: Promise, is_cancelled: Cancelled
    ) -> EndpointCheck | None:
        """None where it was cancelled."""
        key, name = self.key_of(deployment), deployment.served_name
        if unless(is_cancelled, partial(self._client.answer_once, url, key, name, _ANSWER_TIMEOUT_S, promise.first)):
            return unless(is_cancelled, partial(self._client.check, url, key, name, _CHECK_LIMIT_S))
        return None
