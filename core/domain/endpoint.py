"""An endpoint: base URL, served name and key reference; deployed by us or attached."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from core.domain.finding import Finding


class Origin(StrEnum):
    """Where an endpoint came from. Simulated ones say so wherever they appear; imported ones only stand for what
    another tool has measured, and are never listed."""

    DEPLOYED = "deployed"
    ATTACHED = "attached"
    SIMULATED = "simulated"
    IMPORTED = "imported"


class KeyState(StrEnum):
    """What the server does with keys."""

    OPEN = "open"
    ACCEPTED = "accepted"
    MISSING = "missing"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Task(StrEnum):
    """What a server does with a text: writes on, makes a vector of it, or scores it against another."""

    GENERATE = "generate"
    EMBED = "embed"
    SCORE = "score"


@dataclass(frozen=True)
class ServedModel:
    """One entry of /v1/models. ``root`` is the weights path where the server tells it."""

    id: str
    max_model_len: int | None = None
    root: str | None = None


@dataclass(frozen=True)
class EndpointCheck:
    """What a check found. None means not known, never no."""

    checked_at: datetime
    reachable: bool
    key_state: KeyState
    served_models: tuple[ServedModel, ...] = ()
    served_name: str | None = None
    max_model_len: int | None = None
    vocabulary_size: int | None = None
    server_version: str | None = None
    streams: bool | None = None
    reasons: bool | None = None
    has_metrics: bool | None = None
    has_tokenize: bool | None = None
    simulated: bool = False
    latency_ms: float | None = None
    findings: tuple[Finding, ...] = ()
    task: Task | None = None

    @property
    def usable(self) -> bool:
        """Whether a benchmark can start against it."""
        return self.reachable and self.served_name is not None and self.streams is True

    @property
    def writes(self) -> bool:
        """Whether it answers with text, as far as is known: it can be measured, evaluated and talked to."""
        return self.task in {None, Task.GENERATE}

    @property
    def serves(self) -> bool:
        """Whether it did its work, whatever that is."""
        return self.usable or (self.reachable and not self.writes)


@dataclass(frozen=True)
class Endpoint:
    """``base_url`` is canonical: scheme://host[:port][/path]/v1. ``server_key`` names the server, not the URL:
    ``container:<engine id>/<container id>`` where it is ours, else ``address:<ip>:<port>``. ``key_ref`` names the
    stored secret; the secret itself is never in this object."""

    id: str
    name: str
    base_url: str
    served_name: str
    origin: Origin
    server_key: str
    version_label: str
    version_verified: bool
    created_at: datetime
    created_by: str
    key_ref: str | None = None
    deployment_id: str | None = None
    archived_at: datetime | None = None
    check: EndpointCheck | None = None

    @property
    def writes(self) -> bool:
        """Whether it answers with text, as far as is known."""
        return self.check is None or self.check.writes


class UrlError(ValueError):
    """An address that cannot be one. ``code``: url_empty, url_not_http (scheme), url_no_host, url_bad_host (host),
    url_bad_port, url_has_credentials, url_has_query. Services turn it into BadInput."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


_DEFAULT_PORTS = {"http": 80, "https": 443}
_CALLS = re.compile(r"/(chat/completions|completions|models|responses|embeddings)$")
_VERSION_SEGMENT = re.compile(r"/v\d+$")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def canonical_url(text: str) -> str:
    """The one spelling of a base URL: ``scheme://host[:port][/prefix]/v1``. A missing scheme means http; a trailing
    slash, a default port and the path of a single call are dropped; full-width characters are read as their plain ones;
    a path that already ends in a version (``/v1``, ``/api/v3``) keeps it. Raises UrlError."""
    parts = _split(unicodedata.normalize("NFKC", text).strip())
    host = _host(parts)
    port = _port(parts)
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    path = _CALLS.sub("", path)
    if not _VERSION_SEGMENT.search(path):
        path += "/v1"
    location = host if port == _DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    return f"{parts.scheme}://{location}{path}"


def server_root(base_url: str) -> str:
    """A canonical base URL without its version: where vLLM keeps /health, /version, /metrics and /tokenize."""
    return _VERSION_SEGMENT.sub("", base_url)


def host_and_port(base_url: str) -> tuple[str, int]:
    """Host (an IPv6 address without its brackets) and port of a canonical base URL."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]


def is_loopback(host: str) -> bool:
    """Whether a host's name or address leads back to whoever uses it, or to no host at all (0.0.0.0)."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def address_key(ip: str, port: int) -> str:
    """The server key of an address: path and served name are left out, since they share the server's load."""
    return f"address:{ip}:{port}"


def _split(text: str) -> SplitResult:
    if not text:
        raise UrlError("url_empty")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise UrlError("url_bad_host", host=text) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise UrlError("url_not_http", scheme=parts.scheme)
    if "@" in parts.netloc:
        raise UrlError("url_has_credentials")
    if parts.query or parts.fragment:
        raise UrlError("url_has_query")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if not host:
        raise UrlError("url_no_host")
    if ":" in host:
        return f"[{_ip(host)}]"
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise UrlError("url_bad_host", host=host) from error
    if name.replace(".", "").isdecimal():
        return _ip(name)
    if not all(_HOST_LABEL.fullmatch(label) for label in name.removesuffix(".").split(".")):
        raise UrlError("url_bad_host", host=host)
    return name.removesuffix(".")


def _ip(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise UrlError("url_bad_host", host=host) from error


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise UrlError("url_bad_port", port=parts.netloc.rpartition(":")[2]) from error
    if port == 0:
        raise UrlError("url_bad_port", port="0")
    return port or _DEFAULT_PORTS[parts.scheme]
