"""From a catalog choice to what vLLM is told: the arguments and the environment that a profile stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.domain.catalog import Catalog, CatalogEntry
from core.domain.platform import Image, Platform
from core.domain.rules import ServingChoice, check

MTP_CONFIG = json.dumps({"method": "deepseek_mtp", "num_speculative_tokens": 1}, separators=(",", ":"))
"""The vendor's multi-token prediction setting: one speculative token."""


@dataclass(frozen=True)
class Serving:
    """What a choice fills in. ``args`` are vLLM's, without host, port and served name, which the service adds."""

    image: str
    args: tuple[str, ...]
    env: dict[str, str]
    devices: int


def image_reference(image: Image, tag: str, prefixes: dict[str, str]) -> str:
    """Repository and tag with the host filled in: the team's for that prefix, else the image's own; a prefix without
    either stays visible in braces."""
    prefix, closed, path = image.repository.partition("}")
    if not closed:
        return f"{image.repository}:{tag}"
    host = prefixes.get(prefix.removeprefix("{")) or image.registry
    return f"{host.rstrip('/')}{path}:{tag}" if host else f"{image.repository}:{tag}"


def arm_tag(image: Image, tag: str) -> str | None:
    """The tag for arm64 by the image's own rule; None where it is not known and has to be asked for."""
    rule = image.arm
    if rule.rule == "append" and rule.suffix:
        return tag if tag.endswith(rule.suffix) else f"{tag}{rule.suffix}"
    return {"same": tag, "tag": rule.tag}.get(rule.rule)


def serving(
    entry: CatalogEntry,
    platform: Platform,
    image: Image,
    tag: str,
    catalog: Catalog,
    *,
    mtp: bool = False,
    prefixes: dict[str, str] | None = None,
) -> Serving:
    """Everything that the entry fills in on ``platform``. MTP is off unless asked for."""
    args = _arguments(entry, platform, mtp)
    choice = ServingChoice(
        model=entry.model,
        profile=entry.profile,
        platform=platform,
        image=image,
        tag=tag,
        tp=entry.profile.tp,
        pp=entry.profile.pp,
        max_model_len=entry.profile.max_model_len,
        mtp=mtp,
        env=_environment(entry, platform),
        args=args,
    )
    required = tuple(
        str(finding.params["flag"]) for finding in check(choice, catalog) if finding.code == "flag_required_by_image"
    )
    reference = image_reference(image, tag, prefixes or {})
    return Serving(reference, (*args, *required), dict(choice.env), choice.devices_needed)


def _arguments(entry: CatalogEntry, platform: Platform, mtp: bool) -> tuple[str, ...]:
    model, profile = entry.model, entry.profile
    always = list(platform.serve_always)
    args: list[str] = [flag for flag in always if flag == "--trust-remote-code"]
    args += ["--tensor-parallel-size", str(profile.tp)]
    if profile.pp > 1:
        args += ["--pipeline-parallel-size", str(profile.pp)]
    args += ["--max-model-len", str(profile.max_model_len)]
    args += [flag for flag in always if flag != "--trust-remote-code"]
    if model.reasoning_parser:
        args += ["--reasoning-parser", model.reasoning_parser]
    if mtp:
        args += ["--speculative-config", MTP_CONFIG]
    return (*args, *model.serve_args, *profile.serve_args)


def _environment(entry: CatalogEntry, platform: Platform) -> dict[str, str]:
    return {**platform.env, **entry.model.env, **entry.profile.env}
