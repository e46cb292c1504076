"""Where a run's figures come from, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.benchmark import Measurement, Run, tool_words
from core.domain.endpoint import Origin
from core.domain.finding import Finding, Severity
from core.domain.run_identity import devices_of, is_sampling_known, is_seed_known, profile_revision
from render.texts import Texts
from render.version_words import version_label, version_name
from render.workload_words import workload_words


def run_title(run: Run) -> str:
    """Model and version label."""
    return version_name(run.model, run.version_label, run.origin)


def run_line(run: Run, measurements: Sequence[Measurement], t: Texts) -> tuple[str | None, ...]:
    """Where the figures come from, for one line above them."""
    told = run.provenance
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    when = t.when(run.started_at or run.created_at)
    tool = tool_words(run, measurements)
    asked = workload_words(run.workload, t, is_sampling_known=is_sampling_known(told))
    return endpoint.get("name"), asked, tool, told.get("server_version"), when


def provenance_facts(run: Run, measurements: Sequence[Measurement], t: Texts) -> list[tuple[str, str]]:
    """What is known of the run, in words; what is not known is left out."""
    told = run.provenance
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    host: Mapping[str, Any] = told.get("host") or {}
    facts = [
        ("run", run.id),
        ("when", t.when(run.started_at or run.created_at)),
        ("who", run.created_by),
        ("endpoint", endpoint.get("base_url")),
        ("served_name", run.model),
        ("version_label", _label(run, endpoint, t)),
        ("server_version", told.get("server_version")),
        ("tool", tool_words(run, measurements)),
        ("workload", workload_words(run.workload, t, is_sampling_known=is_sampling_known(told))),
        ("seed", str(run.seed) if is_seed_known(told) else None),
        ("image", (told.get("container_spec") or {}).get("image")),
        ("image_digest", told.get("image_digest")),
        ("container", (told.get("container_id") or "")[:12]),
        ("weights_fingerprint", told.get("weights_fingerprint")),
        ("profile", _profile(told)),
        ("platform", _name(told.get("platform"))),
        ("devices", devices_of(told)),
        ("driver", told.get("driver")),
        ("host", t("provenance.host_text", **{k: host.get(k) for k in ("name", "cpus", "system")}) if host else None),
        ("product", told.get("product_version")),
        ("accepted", t("answer.between").join(_accepted(told, t))),
    ]
    return [(key, str(value)) for key, value in facts if value]


def _profile(told: Mapping[str, Any]) -> str | None:
    """With its revision, as it was then."""
    name, revision = _name(told.get("profile")), profile_revision(told)
    return f"{name} ({revision})" if name and revision else name


def _name(value: Any) -> str | None:
    """Also of an object that has one."""
    found = value.get("name") or value.get("key") if isinstance(value, Mapping) else value
    return str(found) if found else None


def _accepted(told: Mapping[str, Any], t: Texts) -> Iterator[str]:
    """The warnings that stood when it was started."""
    for one in told.get("accepted") or ():
        yield t.finding(Finding(one["code"], Severity.WARN, one.get("field"), one.get("params") or {}))


def _label(run: Run, endpoint: Mapping[str, Any], t: Texts) -> str:
    if run.origin == Origin.SIMULATED or not run.version_label or endpoint.get("version_verified", True):
        return version_label(run.version_label, run.origin)
    return t("page.endpoints.label_unverified", label=run.version_label)
