"""What was configured differently: the facts of runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.benchmark import RunHead, tool_words
from core.domain.run_identity import devices_of, profile_revision


@dataclass(frozen=True)
class DiffRow:
    """``key`` names a fact (render/texts [config]), or is an option or a variable as it is spelt (``--max-num-seqs``,
    ``env VLLM_USE_V1``); a value per run, None where it has none."""

    key: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have the same."""
        return len(set(self.values)) > 1


def config_diff(runs: Sequence[RunHead], tools: Sequence[str] = ()) -> tuple[DiffRow, ...]:
    """Every known fact, in a fixed order: versions, image, machine, then options, then environment. ``tools``: what
    measured each run (``tool_words``), where that is known better than by the run itself."""
    measured = tools or [tool_words(run, ()) for run in runs]
    facts = [dict(_facts(run, tool)) for run, tool in zip(runs, measured, strict=True)]
    keys = dict.fromkeys(key for side in facts for key in side)
    return tuple(DiffRow(key, tuple(side.get(key) for side in facts)) for key in sorted(keys, key=_place))


_ORDER = (
    "model",
    "version_label",
    "weights_fingerprint",
    "image",
    "image_digest",
    "server_version",
    "profile",
    "profile_revision",
    "platform",
    "devices",
    "driver",
    "endpoint",
    "measured_from",
    "tool",
    "product_version",
)


def _place(key: str) -> tuple[int, str]:
    if key in _ORDER:
        return _ORDER.index(key), ""
    return len(_ORDER) + key.startswith("env "), key


def _facts(run: RunHead, tool: str) -> Iterator[tuple[str, str]]:
    told = run.provenance
    profile = told.get("profile")
    named = {
        "model": run.model,
        "version_label": run.version_label,
        "weights_fingerprint": told.get("weights_fingerprint"),
        "image": told.get("image") or (told.get("container_spec") or {}).get("image"),
        "image_digest": told.get("image_digest"),
        "server_version": told.get("server_version"),
        "profile": profile.get("name") if isinstance(profile, Mapping) else profile,
        "profile_revision": profile_revision(told),
        "platform": _name(told.get("platform")),
        "devices": devices_of(told),
        "driver": told.get("driver"),
        "endpoint": (told.get("endpoint") or {}).get("base_url"),
        "measured_from": (told.get("host") or {}).get("name"),
        "tool": tool,
        "product_version": told.get("product_version"),
    }
    yield from ((key, str(value)) for key, value in named.items() if value)
    spec = told.get("container_spec") or {}
    yield from _options(spec.get("command") or ())
    yield from ((f"env {key}", str(value)) for key, value in (spec.get("env") or {}).items())


def _name(value: Any) -> Any:
    return value.get("name") or value.get("key") if isinstance(value, Mapping) else value


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``--name value``, ``--name=value`` and bare ``--name`` of a command; what follows an option until the next one is
    its value."""
    name, values = None, list[str]()
    for word in (*words, "--"):
        if not word.startswith("--"):
            values.append(word)
            continue
        if name is not None:
            yield name, " ".join(values) or "on"
        name, _, value = word.partition("=")
        values = [value] if value else []
