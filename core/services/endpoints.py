"""Endpoints: what is attached, what it says of itself, and the keys to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from core.domain.access import Actor, Role
from core.domain.endpoint import Endpoint, EndpointCheck, Origin, UrlError, address_key, canonical_url
from core.domain.finding import blocking
from core.errors import BadInput, EndpointError, PlanBlocked
from core.ports import Clock, EndpointClient, EndpointStore, Secrets
from core.services.access import require


@dataclass(frozen=True)
class Offer:
    """A server that answers, as it would be stored; nothing is stored yet. ``key`` None: the stored one, if any, stays.
    ``known``: the endpoint that is there for its address and name."""

    endpoint: Endpoint
    check: EndpointCheck
    key: str | None = field(repr=False)
    known: Endpoint | None = None


class EndpointService:
    """Keys live in ``secrets`` under the endpoint's ``key_ref`` and nowhere else."""

    def __init__(
        self,
        store: EndpointStore,
        client: EndpointClient,
        secrets: Secrets,
        clock: Clock,
        new_id: Callable[[], str] = lambda: f"ep-{uuid.uuid4().hex[:12]}",
    ) -> None:
        self._store = store
        self._client = client
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id

    # ------------------------------------------------------------ reading

    def list(self, include_archived: bool = False) -> tuple[Endpoint, ...]:
        """All endpoints, as last checked; not those that only stand for imported results."""
        return tuple(one for one in self._store.list(include_archived) if one.origin is not Origin.IMPORTED)

    def get(self, endpoint_id: str) -> Endpoint:
        """Raises NotFoundError."""
        return self._store.get(endpoint_id)

    def key_of(self, endpoint: Endpoint) -> str | None:
        """The stored key, for the child that needs it; never to be shown."""
        return self._secrets.get(endpoint.key_ref) if endpoint.key_ref else None

    def check(self, url: str, key: str | None = None, served_name: str | None = None) -> EndpointCheck:
        """Looks at a server; nothing is stored. Raises BadInput (url_*)."""
        return self._client.check(_base_url(url), _clean(key), _clean(served_name))

    # ------------------------------------------------------------ attaching

    def attach(
        self,
        actor: Actor,
        url: str,
        *,
        key: str | None = None,
        served_name: str | None = None,
        name: str = "",
        version_label: str = "",
        origin: Origin = Origin.ATTACHED,
        server_key: str | None = None,
        deployment_id: str | None = None,
        trial_may_fail: bool = False,
    ) -> Endpoint:
        """Stores a server that answers, under its served name (the first of its own where none is given). The same
        URL and served name again updates the endpoint that is there; a key left out keeps the stored one.
        ``server_key`` and ``deployment_id`` come from a deployment of ours. ``trial_may_fail``: a server that names its
        model is attached although the check's trial answer failed. Raises BadInput (url_*) and, with the check's
        findings, PlanBlocked."""
        offer = self.offer(
            actor,
            url,
            key=key,
            served_name=served_name,
            name=name,
            version_label=version_label,
            origin=origin,
            server_key=server_key,
            deployment_id=deployment_id,
            trial_may_fail=trial_may_fail,
        )
        return self.take(actor, offer)

    def offer(
        self,
        actor: Actor,
        url: str,
        *,
        key: str | None = None,
        served_name: str | None = None,
        name: str = "",
        version_label: str = "",
        origin: Origin = Origin.ATTACHED,
        server_key: str | None = None,
        deployment_id: str | None = None,
        trial_may_fail: bool = False,
    ) -> Offer:
        """What ``attach`` would store, for whoever only wants to look. Raises the same."""
        require(actor, Role.OPERATOR)
        base_url = _base_url(url)
        key = _clean(key) or self._known_key(base_url, _clean(served_name))
        check = self._client.check(base_url, key, _clean(served_name))
        if check.served_name is None or (blocking(check.findings) and not (trial_may_fail and check.streams is None)):
            raise PlanBlocked(check.findings)
        known = self._store.find(base_url, check.served_name)
        if known is not None and known.deployment_id and not known.archived_at and not deployment_id:
            origin, server_key, deployment_id = known.origin, known.server_key, known.deployment_id  # still ours
        endpoint = known or self._blank(actor, base_url, check.served_name)
        endpoint = replace(
            endpoint,
            name=name.strip() or endpoint.name,
            version_label=version_label.strip() or endpoint.version_label,
            origin=Origin.SIMULATED if check.simulated else origin,
            server_key=server_key or self._server_key(base_url),
            version_verified=deployment_id is not None and not check.simulated,
            deployment_id=deployment_id,
            archived_at=None,
        )
        return Offer(replace(endpoint, check=check), check, key, known)

    def take(self, actor: Actor, offer: Offer) -> Endpoint:
        """Stores what was offered."""
        require(actor, Role.OPERATOR)
        endpoint = self._save(offer.endpoint, offer.check, offer.key, offer.known)
        self._share_server(endpoint)
        return endpoint

    def _known_key(self, base_url: str, served_name: str | None) -> str | None:
        known = self._store.find(base_url, served_name) if served_name else None
        return self.key_of(known) if known else None

    def _blank(self, actor: Actor, base_url: str, served_name: str) -> Endpoint:
        return Endpoint(
            id=self._new_id(),
            name=served_name,
            base_url=base_url,
            served_name=served_name,
            origin=Origin.ATTACHED,
            server_key="",
            version_label="",
            version_verified=False,
            created_at=self._clock.now(),
            created_by=actor.name,
        )

    def _save(self, endpoint: Endpoint, check: EndpointCheck, key: str | None, known: Endpoint | None) -> Endpoint:
        """The key first: an endpoint must never point at a key that is not there."""
        endpoint = self._with_key(endpoint, key)
        if known is None:
            self._store.add(endpoint)
        else:
            self._store.update(endpoint)
            if known.archived_at:
                self._store.archive(endpoint.id, None)
        self._store.save_check(endpoint.id, check)
        return replace(endpoint, check=check)

    def _with_key(self, endpoint: Endpoint, key: str | None) -> Endpoint:
        if key is None:
            return endpoint
        ref = endpoint.key_ref or f"endpoint/{endpoint.id}"
        self._secrets.put(ref, key)
        return replace(endpoint, key_ref=ref)

    # ------------------------------------------------------------ which server it is

    def _server_key(self, base_url: str) -> str:
        """The server behind a URL: the deployment of ours that listens there, else the address."""
        address = self._client.resolve(base_url)
        for other in self._store.list():
            if other.deployment_id and self._address(other) == address:
                return other.server_key
        return address_key(*address)

    def _share_server(self, deployed: Endpoint) -> None:
        """What was attached at a deployment's address before is the same server: one lock for all of them."""
        if deployed.deployment_id is None or (address := self._address(deployed)) is None:
            return
        for other in self._store.list():
            if other.deployment_id is None and self._address(other) == address:
                self._store.update(replace(other, server_key=deployed.server_key))

    def _address(self, endpoint: Endpoint) -> tuple[str, int] | None:
        try:
            return self._client.resolve(endpoint.base_url)
        except EndpointError:
            return None

    # ------------------------------------------------------------ changing

    def refresh(self, endpoint_id: str) -> Endpoint:
        """Checks again and stores what was found, good or bad."""
        endpoint = self._store.get(endpoint_id)
        check = self._client.check(endpoint.base_url, self.key_of(endpoint), endpoint.served_name)
        self._store.save_check(endpoint_id, check)
        endpoint = replace(endpoint, check=check)
        if endpoint.deployment_id is None and check.reachable:
            server_key = self._server_key(endpoint.base_url)
            if server_key != endpoint.server_key:
                endpoint = replace(endpoint, server_key=server_key)
                self._store.update(endpoint)
        return endpoint

    def rename(self, actor: Actor, endpoint_id: str, name: str, version_label: str) -> Endpoint:
        """A name (never empty) and the version label that comparisons use. Raises BadInput (name_empty)."""
        require(actor, Role.OPERATOR)
        if not name.strip():
            raise BadInput("name_empty", field="name")
        endpoint = replace(self._store.get(endpoint_id), name=name.strip(), version_label=version_label.strip())
        self._store.update(endpoint)
        return endpoint

    def set_key(self, actor: Actor, endpoint_id: str, key: str | None) -> Endpoint:
        """Replaces or, with None, forgets the key, and checks again."""
        require(actor, Role.OPERATOR)
        endpoint = self._store.get(endpoint_id)
        cleaned = _clean(key)
        if cleaned is not None:
            self._store.update(self._with_key(endpoint, cleaned))
        elif endpoint.key_ref:
            self._store.update(replace(endpoint, key_ref=None))
            self._secrets.delete(endpoint.key_ref)
        return self.refresh(endpoint_id)

    def archive(self, actor: Actor, endpoint_id: str) -> None:
        """Takes it out of the lists; its runs stay."""
        require(actor, Role.OPERATOR)
        self._store.archive(self._store.get(endpoint_id).id, self._clock.now())

    def restore(self, actor: Actor, endpoint_id: str) -> None:
        """Undoes ``archive``."""
        require(actor, Role.OPERATOR)
        self._store.archive(self._store.get(endpoint_id).id, None)


def _base_url(text: str) -> str:
    try:
        return canonical_url(text)
    except UrlError as error:
        raise BadInput(error.code, field="url", **error.params) from error


def _clean(text: str | None) -> str | None:
    return (text or "").strip() or None
