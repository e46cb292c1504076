"""Which endpoints can be asked for text now, and why the others are not offered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from core.domain.deployment import DeploymentState, DeploymentView
from core.domain.endpoint import Endpoint
from core.domain.job import Reason

_NOT_SERVING = frozenset(DeploymentState) - {DeploymentState.READY}


@dataclass(frozen=True)
class Withheld:
    """An endpoint that stays in the history and is not offered. ``reason``: withheld_<state of its deployment>, or
    withheld_embed, withheld_score."""

    endpoint: Endpoint
    reason: Reason


@dataclass(frozen=True)
class Offers:
    """``endpoints``: what may be measured, evaluated and talked to. ``down``: endpoints (by id) of deployments of ours
    that do not serve now, whatever their last check said."""

    endpoints: tuple[Endpoint, ...]
    withheld: tuple[Withheld, ...] = ()
    down: Mapping[str, DeploymentState] = field(default_factory=dict)


def offers(endpoints: Iterable[Endpoint], deployments: Iterable[DeploymentView], keep: Collection[str] = ()) -> Offers:
    """An endpoint of a deployment of ours is offered while that serves; what was attached, always: nobody knows.
    ``keep``: ids that stay offered, since they are in use where they are chosen."""
    states = {view.deployment.id: view.deployment.state for view in deployments}
    found = [
        (endpoint, None if endpoint.id in keep else _reason(endpoint, states.get(endpoint.deployment_id or "")))
        for endpoint in endpoints
    ]
    of_ours = {endpoint.id: states.get(endpoint.deployment_id or "") for endpoint, _ in found}
    return Offers(
        tuple(endpoint for endpoint, reason in found if reason is None),
        tuple(Withheld(endpoint, reason) for endpoint, reason in found if reason is not None),
        {key: state for key, state in of_ours.items() if state in _NOT_SERVING},
    )


def _reason(endpoint: Endpoint, state: DeploymentState | None) -> Reason | None:
    if state in _NOT_SERVING:
        return Reason(f"withheld_{state}")
    if endpoint.check is not None and not endpoint.writes:
        return Reason(f"withheld_{endpoint.check.task}")
    return None
