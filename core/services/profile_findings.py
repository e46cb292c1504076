"""A request against its profile and platform, its arguments against what vLLM knows. Numbers: the catalog's."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from core.domain.catalog import Catalog
from core.domain.deployment import Arithmetic, DeploymentRequest
from core.domain.finding import Finding, Severity
from core.domain.model import Model
from core.domain.platform import Platform
from core.domain.preflight import platform_of
from core.domain.rules import PlatformChoice, ServingChoice, check, check_platform
from core.formats import serve_settings, vllm_serve
from core.services.device_findings import copies

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
_GIB = 1024**3
_BYTES = {"BF16": 2.0, "FP16": 2.0, "FP8": 1.0, "INT8": 1.0, "INT4": 0.5}
_FIELDS = {"args": "serve_args", "max_concurrency": "serve_args"}
_FIELDS_WITHOUT_MODEL = {**_FIELDS, "max_input_len": "max_model_len"}
_SEQUENCES = "--max-num-seqs"
"""How many requests vLLM works on at once: the profile's concurrency."""


def profile_findings(
    request: DeploymentRequest,
    catalog: Catalog,
    architecture: str | None = None,
    own_model_len: int | None = None,
) -> Iterator[Finding]:
    """Every rule of model, profile, platform and image; each finding with the form's field. ``architecture``: the
    host's. ``own_model_len``: tokens that the model's own config allows, where it can be read. What platform and image
    say holds without a profile too; a platform that is not named is told by the image."""
    platform = catalog.platforms.get(request.platform or "") or platform_of(request.image, catalog)
    entry = catalog.entry(request.profile) if request.profile else None
    if request.profile is not None and (entry is None or platform is None):
        missing = request.profile if entry is None else request.platform or request.image
        yield Finding("profile_unknown", WARN, "profile", {"value": missing})
    if platform is None:
        return
    asked = _asked(request, platform, catalog, architecture)
    if entry is None:
        yield from _placed(check_platform(asked, catalog), _FIELDS_WITHOUT_MODEL)
        return
    told = serve_settings.read_settings(request.serve_args)
    choice = ServingChoice(
        **vars(asked),
        model=entry.model,
        profile=entry.profile,
        max_model_len=told.max_model_len,
        own_model_len=own_model_len,
        max_concurrency=vllm_serve.int_argument(request.serve_args, _SEQUENCES),
    )
    found = _placed(check(choice, catalog), _FIELDS)
    yield from (one for one in found if request.image or one.code != "context_not_set")


def _asked(
    request: DeploymentRequest, platform: Platform, catalog: Catalog, architecture: str | None
) -> PlatformChoice:
    settings = serve_settings.read_settings(request.serve_args)
    repository, _, tag = request.image.partition("@")[0].rpartition(":")
    image = catalog.images.get(platform.image or "")
    same = image is not None and repository.endswith(image.repository.rpartition("}")[2])
    return PlatformChoice(
        platform=platform,
        image=image if same else None,
        tag=tag,
        tp=settings.tp or 1,
        pp=settings.pp or 1,
        mtp=serve_settings.speculates(settings),
        architecture=architecture,
        env=dict(request.env),
        args=vllm_serve.long_names(request.serve_args),
    )


def _placed(found: Iterable[Finding], places: Mapping[str, str]) -> Iterator[Finding]:
    for finding in found:
        yield replace(finding, field=places.get(finding.field or "", finding.field))


def flag_findings(
    request: DeploymentRequest,
    catalog: Catalog,
    of_image: Collection[str] | None,
    told: Collection[str] = (),
) -> Iterator[Finding]:
    """Flags that vLLM does not know. ``of_image``: what the image's own help lists, which is then the last word.
    ``told``: flags that a rule has spoken of already."""
    known = set(of_image) if of_image is not None else _listed(catalog)
    if not known:
        return
    seen: set[str] = set(told)
    for words in vllm_serve.split_flags(request.serve_args):
        flag = words[0].partition("=")[0].replace("_", "-")
        base = flag.partition(".")[0]
        if not flag.startswith("-") or base in known or flag in seen:
            continue
        seen.add(flag)
        yield _unknown_flag(flag, known, of_image is not None, ", ".join(catalog.flag_lists))


def _listed(catalog: Catalog) -> set[str]:
    return {flag for found in catalog.flag_lists.values() for flag in found.flags}


def _unknown_flag(flag: str, known: set[str], certain: bool, version: str) -> Finding:
    close = difflib.get_close_matches(flag, known, n=1, cutoff=0.75)
    params = {"flag": flag, "suggestion": close[0] if close else None, "vllm": version}
    code = "flag_not_in_image" if certain else "flag_not_known"
    if close:
        code += "_but"
    return Finding(code, BLOCK if certain else WARN, "serve_args", params)


def arithmetic(
    request: DeploymentRequest, catalog: Catalog, there: int | None, weights_bytes: int | None
) -> Arithmetic:
    """What the sizes need of the platform's devices. ``weights_bytes``: measured in the folder; else the catalog's
    word, else what parameters and type come to."""
    settings = serve_settings.read_settings(request.serve_args)
    platform = catalog.platforms.get(request.platform or "")
    entry = catalog.entry(request.profile) if request.profile else None
    card = platform.card if platform else None
    total = weights_bytes / _GIB if weights_bytes else _weights_gib(entry.model) if entry else None
    plain = Arithmetic(tp=settings.tp or 1, pp=settings.pp or 1, dp=copies(request))
    return replace(
        plain,
        devices_there=there,
        devices=request.devices,
        per_card=card.dies if card else None,
        device_gib=card.memory_gib / card.dies if card and card.dies else None,
        weights_gib=total / (plain.tp * plain.pp) if total else None,
        weights_total_gib=total,
    )


def _weights_gib(model: Model) -> float | None:
    """From the vendor's figure (GB), else parameters times bytes."""
    if model.weights_gb is not None:
        return model.weights_gb * 1e9 / _GIB
    count = (model.parameters or "").partition("-")[0].upper().removesuffix("B")
    size = _BYTES.get((model.dtype or "").upper().removeprefix("GPTQ-"))
    try:
        return float(count) * 1e9 * size / _GIB if size else None
    except ValueError:
        return None


def memory_findings(found: Arithmetic, platform: Platform) -> Iterator[Finding]:
    """An estimate, hence a warning: weights that are spread evenly and still do not fit."""
    left = found.left_gib
    if left is not None and left < 0 and found.weights_gib is not None and found.device_gib is not None:
        params = {"needed_gib": round(found.weights_gib, 1), "device_gib": round(found.device_gib, 1)}
        yield Finding("weights_over_memory", WARN, "tp", params, platform.source, derived=True)
