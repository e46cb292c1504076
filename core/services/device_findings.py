"""Which devices a deployment takes, and who has them already: two deployments never share one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from core.domain.catalog import Catalog
from core.domain.deployment import Deployment, DeploymentRequest
from core.domain.devices import LIMIT, device_family, lowest_free, write_devices
from core.domain.finding import Finding, Severity
from core.domain.platform import Platform
from core.formats import serve_settings, vllm_serve

BLOCK = Severity.BLOCK
Params = dict[str, str | int | float | bool | None]


def needed_devices(request: DeploymentRequest) -> int:
    """TP x PP, times the data-parallel copies: a rank is a device."""
    settings = serve_settings.read_settings(request.serve_args)
    return (settings.tp or 1) * (settings.pp or 1) * copies(request)


def copies(request: DeploymentRequest) -> int:
    """How many times the model is there: vLLM's data parallelism."""
    return vllm_serve.int_argument(request.serve_args, "--data-parallel-size", "-dp") or 1


def used_devices(request: DeploymentRequest, platform: Platform) -> tuple[int, ...]:
    """Those that a deployment has: as listed, else the first, which a server takes by itself."""
    if request.devices or not platform.has_devices:
        return request.devices
    return tuple(range(min(needed_devices(request), LIMIT)))


def held_devices(deployments: Sequence[Deployment], platform: Platform, catalog: Catalog) -> Mapping[int, str]:
    """Who holds which device of the platform's kind, among deployments that live."""
    held: dict[int, str] = {}
    for deployment in deployments:
        asked = deployment.request
        other = catalog.platforms.get(asked.platform or "") if asked else None
        if asked and other and device_family(other) == device_family(platform):
            held |= dict.fromkeys(used_devices(asked, other), deployment.name)
    return held


def shared_devices(one: Deployment, other: Deployment, catalog: Catalog) -> tuple[int, ...]:
    """Devices that both ask for."""
    platform = catalog.platforms.get(one.request.platform or "") if one.request else None
    if platform is None or one.request is None:
        return ()
    held = held_devices([other], platform, catalog)
    return tuple(number for number in used_devices(one.request, platform) if number in held)


def with_devices(
    request: DeploymentRequest,
    platform: Platform,
    there: int | None,
    held: Mapping[int, str],
    open_elsewhere: Collection[int] = (),
) -> DeploymentRequest:
    """The request with its devices named: as chosen, else the lowest that are free, else the first.
    ``open_elsewhere``: what a process or a stranger's container has open; taken only where too few are left."""
    if not platform.has_devices or request.devices:
        return request
    needed = needed_devices(request)
    if needed > LIMIT:  # a slip of the finger; it is refused below
        return request
    limit = there if there and there >= needed else None
    chosen = lowest_free(needed, limit, {*held, *open_elsewhere}) or lowest_free(needed, limit, held.keys())
    return replace(request, devices=chosen if chosen is not None else tuple(range(needed)))


def device_findings(
    asked: DeploymentRequest,
    resolved: DeploymentRequest,
    platform: Platform,
    there: int | None,
    held: Mapping[int, str],
) -> Iterator[Finding]:
    """``asked`` as it was typed, ``resolved`` with its devices named."""
    yield from _named_by_hand(asked, platform)
    needed = needed_devices(asked)
    if needed > min(there or LIMIT, LIMIT):
        yield _short(asked, platform, there, needed)
    if asked.devices and len(asked.devices) != needed:
        count: Params = {"chosen": len(asked.devices), "needed": needed}
        yield Finding("devices_count", BLOCK, "devices", count)
    absent = [number for number in asked.devices if there is not None and number >= there]
    if absent:
        params: Params = {"devices": write_devices(absent), "last": max((there or 0) - 1, 0), "there": there or 0}
        yield Finding("devices_absent", BLOCK, "devices", params)
    taken = [number for number in resolved.devices if number in held]
    if taken:
        owners = ", ".join(dict.fromkeys(held[number] for number in taken))
        yield Finding("device_taken", BLOCK, "devices", {"devices": write_devices(taken), "owner": owners})


def _named_by_hand(request: DeploymentRequest, platform: Platform) -> Iterator[Finding]:
    """A list in the environment would be used and not be known of, so that another deployment could get the same."""
    name, env = platform.visible_devices_env, dict(request.env)
    if name in env:
        yield Finding("devices_in_env", BLOCK, "env", {"name": name, "value": env[name]}, platform.source)


def _short(request: DeploymentRequest, platform: Platform, there: int | None, needed: int) -> Finding:
    settings, card = serve_settings.read_settings(request.serve_args), platform.card
    params: Params = {"needed": needed, "available": there or 0, "tp": settings.tp or 1, "pp": settings.pp or 1}
    source, dp = (card.evidence if card else None) or platform.source, copies(request)
    code, told = ("devices_short_dp", {**params, "dp": dp}) if dp > 1 else ("devices_short", params)
    return Finding(code, BLOCK, "devices", told, source, derived=bool(card and card.dies_derived))
