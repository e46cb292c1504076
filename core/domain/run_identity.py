"""What makes two runs the same version, and what makes them the same question: the keys that history filters by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any

from core.domain.workload import Api, Dataset, Spread, Workload

NOT_LIKE_FOR_LIKE = {"points", "repeats", "timeout_s", "slo", "stop_at_peak", "stop_at_slo", "bench_files"}
"""Fields of a workload that two runs of the same question may differ in."""
_DIGITS = 12
_NAME_LENGTH = 40


@dataclass(frozen=True)
class RunIdentity:
    """``version_key`` is of model, weights fingerprint, image digest and profile where the deployment is ours, and of
    model and label alone where an endpoint was attached. The others are None where the run does not know them."""

    version_key: str
    platform: str | None
    profile: str | None
    image: str | None


def run_identity(model: str, version_label: str, provenance: Mapping[str, Any]) -> RunIdentity:
    """From the snapshots: ``platform`` and ``profile`` (a name, or an object with ``name`` and ``revision``),
    ``image`` or the container spec's, ``image_digest``, ``weights_fingerprint``, ``profile_revision``."""
    image = _text(provenance.get("image")) or _text((provenance.get("container_spec") or {}).get("image"))
    profile: Any = provenance.get("profile")
    revision = profile_revision(provenance)
    made_of = [provenance.get("weights_fingerprint"), provenance.get("image_digest") or image, _text(profile), revision]
    return RunIdentity(
        version_key=_digest([model, version_label, *made_of]),
        platform=_text(provenance.get("platform")),
        profile=_text(profile),
        image=image,
    )


def version_name(model: str, version_label: str) -> str:
    """Model and label, nothing of them twice: a deployment's label begins with its model until somebody gives a better
    one, and many a model's name ends with its version."""
    if version_label == model or version_label.startswith(f"{model} "):
        return version_label
    if version_label and model.endswith((f"-{version_label}", f" {version_label}", f"/{version_label}")):
        return model
    return f"{model} {version_label}".strip()


def profile_revision(provenance: Mapping[str, Any]) -> Any:
    """Of the profile as it was when the run was made; None where it is not known."""
    profile: Any = provenance.get("profile")
    return profile.get("revision") if isinstance(profile, Mapping) else provenance.get("profile_revision")


def is_sampling_known(provenance: Mapping[str, Any]) -> bool:
    """Not of every imported result: most tools do not say how the answers were sampled."""
    return bool((provenance.get("imported") or {}).get("sampling_known", True))


def is_seed_known(provenance: Mapping[str, Any]) -> bool:
    """Not of an imported result whose tool does not tell it."""
    return bool((provenance.get("imported") or {}).get("seed_known", True))


def devices_of(provenance: Mapping[str, Any]) -> str | None:
    """Kind and number of the devices that the server had to itself, ``/dev/va* x 32``; None where they are not known.
    ``devices`` is a number, words, or an object with ``kind`` and ``count``."""
    told: Any = provenance.get("devices")
    named = told if isinstance(told, Mapping) else {"count": told}
    words = (named.get("kind") or provenance.get("device_kind"), named.get("count"))
    return " x ".join(str(word) for word in words if isinstance(word, str | int) and word) or None


def workload_key(workload: Workload) -> str:
    """Equal where the same is asked of a server: lengths, route, sampling and all else but loads, repeats and time
    limit. A field at its default adds nothing, so that old keys stay when a workload learns something new."""
    asked = [field for field in fields(workload) if field.name not in NOT_LIKE_FOR_LIKE]
    values = asdict(workload)
    if workload.dataset is not None:
        values["dataset"] = {f.name: getattr(workload.dataset, f.name) for f in fields(Dataset) if f.compare}
    return _digest({f.name: values[f.name] for f in asked if getattr(workload, f.name) != _default(f)})


def workload_label(workload: Workload) -> str:
    """Lengths in and out, for a list, and what else tells two questions apart, as options are spelt: the same in every
    language."""
    return " ".join(_label(workload))


def _label(load: Workload) -> Iterator[str]:
    yield f"{_length(load.input_tokens, load.input_spread)}/{_length(load.output_tokens, load.output_spread)}"
    if load.api is not Api.COMPLETIONS:
        yield load.api.value
    if load.dataset is not None:
        yield load.dataset.name[:_NAME_LENGTH]
    named = {"prefix": load.prefix_share, "turns": load.turns if load.turns > 1 else 0, "T": load.temperature}
    yield from (f"{name}={value:g}" for name, value in named.items() if value)
    drawn = {"top-p": load.top_p, "top-k": load.top_k}
    yield from (f"{name}={value:g}" for name, value in drawn.items() if value is not None)
    if not load.ignore_eos:
        yield "eos"


def _length(mean: int, spread: Spread | None) -> str:
    if spread is None:
        return str(mean)
    return f"{spread.low}-{spread.high}" if spread.std is None else f"{mean}±{spread.std:g}"


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _text(value: Any) -> str | None:
    """A name, also where it comes inside an object."""
    found = value.get("name") or value.get("key") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and found else None


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
