"""Which endpoint serves now what another one served: deployed anew, under another name, port or key. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.domain.endpoint import Endpoint


def successor(old: Endpoint, endpoints: Iterable[Endpoint], containers: Mapping[str, str]) -> Endpoint | None:
    """The living endpoint that has taken the place of ``old``: where its name is served no more at its address, or,
    once it was archived, in a container of the same name; of several the one with its served name, else the newest.
    ``containers``: the container's name of each deployment, by its id."""
    found = [one for one in endpoints if _takes_place(old, one, containers)]
    return max(found, key=lambda one: (one.served_name == old.served_name, one.created_at), default=None)


def _takes_place(old: Endpoint, new: Endpoint, containers: Mapping[str, str]) -> bool:
    if new.id == old.id or new.archived_at is not None:
        return False
    if new.base_url == old.base_url:
        return _serves_no_more(old, new)
    name = containers.get(old.deployment_id or "")
    return old.archived_at is not None and name is not None and containers.get(new.deployment_id or "") == name


def _serves_no_more(old: Endpoint, new: Endpoint) -> bool:
    """By a check of the new one that is later: several names may be served at one address."""
    if new.check is None or (old.check and old.check.checked_at >= new.check.checked_at):
        return False
    served = {model.id for model in new.check.served_models}
    return bool(served) and old.served_name not in served


def moved_url(route: str, old_base: str, new_base: str) -> str:
    """The address under which somebody else reaches the successor, from the one that led to its predecessor: the same
    host with the new port and path, as long as only those differ."""
    scheme, _, rest = route.partition("://")
    same_host = _host(old_base) == _host(new_base)
    if not same_host or scheme != new_base.partition("://")[0]:
        return new_base
    host = rest.partition("/")[0]
    host = host if host.endswith("]") else host.rpartition(":")[0] or host
    return f"{scheme}://{host}{_behind_host(new_base)}"


def _host(url: str) -> str:
    location = url.partition("://")[2].partition("/")[0]
    return location if location.endswith("]") else location.rpartition(":")[0] or location


def _behind_host(url: str) -> str:
    """Port and path, with their signs."""
    return url.partition("://")[2][len(_host(url)) :]
