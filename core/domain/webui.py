"""Open WebUI: what one is, how it stands, what we want of it, and what would have to change. Pure rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core.domain.container import ContainerSpec
from core.domain.finding import Finding

Param = str | int | float | bool | None

MANUAL_URL = "https://docs.openwebui.com/"
PUBLISHED_ACCOUNTS = (("admin@vastai.com", "admin123"),)
"""Default accounts that a vendor's guide prints (VastModelZOO, llm/deepseek_r1/README.md): whoever reads it can sign in
with them. We never make one; a check says where one still works."""


def is_published(email: str, password: str | None) -> bool:
    """Whether anybody could have read this pair in a vendor's guide; addresses are one whatever their case."""
    return (email.strip().lower(), password) in PUBLISHED_ACCOUNTS


PLACEHOLDER_URL = "https://api.openai.com/v1"
"""What an untouched Open WebUI lists, with an empty key: it is asked for its models with a 10 s timeout."""
DEFAULT_OLLAMA = frozenset({"http://localhost:11434", "http://host.docker.internal:11434", "http://ollama:11434"})


Document = Mapping[str, Any]
"""One JSON document of Open WebUI's, with all that we do not know of."""


class Area(StrEnum):
    """What is read and written as one document."""

    OPENAI = "openai"
    OLLAMA = "ollama"
    TASKS = "tasks"
    DEFAULTS = "defaults"
    USER_CONNECTIONS = "user_connections"


@dataclass(frozen=True)
class Documents:
    """What one Open WebUI answered; it holds keys. An area or a card that it does not have is None."""

    areas: Mapping[Area, Document | None] = field(repr=False)
    cards: Mapping[str, Document | None]


class Switch(StrEnum):
    """Calls to the model that nobody typed. The guide's picture shows five; follow-ups came later."""

    TITLE = "title"
    TAGS = "tags"
    FOLLOW_UP = "follow_up"
    AUTOCOMPLETE = "autocomplete"
    SEARCH_QUERY = "search_query"
    RETRIEVAL_QUERY = "retrieval_query"


@dataclass(frozen=True)
class WebUiInfo:
    """What anybody may read. ``onboarding``: no account yet, the first who comes becomes the administrator."""

    url: str
    version: str
    name: str = "Open WebUI"
    onboarding: bool = False
    signs_in: bool = True
    sign_up_open: bool = False
    locale: str = ""


@dataclass(frozen=True)
class Access:
    """Signed in. The token is never shown and is stored only where the person asks for it."""

    token: str = field(repr=False)
    email: str
    role: str = "admin"


@dataclass(frozen=True)
class Connection:
    """One OpenAI-compatible server as Open WebUI lists it; ``config`` is its own, with what we do not know."""

    url: str
    key: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """Empty: whatever the server lists."""
        return tuple(str(model) for model in self.config.get("model_ids") or ())

    @property
    def enabled(self) -> bool:
        return bool(self.config.get("enable", True))

    @property
    def same_as(self) -> str:
        """What tells two connections apart: slashes at the end do not."""
        return self.url.rstrip("/")


@dataclass(frozen=True)
class Card:
    """How a model is presented to people. ``public``: ordinary users see it. ``builtin_tools``: what the card says
    itself, which counts before the default; Open WebUI's own editor may write it there. None: nothing."""

    name: str
    description: str = ""
    public: bool = True
    builtin_tools: bool | None = None


@dataclass(frozen=True)
class WebUiSettings:
    """Everything of an Open WebUI that we may change. None: this version has no such setting."""

    connections: tuple[Connection, ...] = ()
    openai_on: bool = True
    ollama_on: bool | None = None
    ollama_urls: tuple[str, ...] = ()
    switches: Mapping[Switch, bool | None] = field(default_factory=dict)
    default_models: tuple[str, ...] = ()
    builtin_tools: bool | None = None
    knows_builtin_tools: bool = False
    user_connections: bool | None = None
    cards: Mapping[str, Card | None] = field(default_factory=dict)

    def connection(self, url: str) -> Connection | None:
        """By address, slashes at the end aside."""
        return next((one for one in self.connections if one.same_as == url.rstrip("/")), None)


@dataclass(frozen=True)
class Upstream:
    """A model server that people are to chat with. ``url`` is its address as Open WebUI reaches it; ``replaces``: the
    one that we connected for it earlier; ``was``: the name that it had then. ``card`` None: nobody asked for a
    name of its own."""

    endpoint_id: str
    url: str
    key: str = field(repr=False)
    served_name: str
    card: Card | None = None
    parses_tools: bool | None = None
    replaces: str | None = None
    was: str | None = None


@dataclass(frozen=True)
class UpstreamRequest:
    """``url``: as Open WebUI reaches it; None: it is found out."""

    endpoint_id: str
    url: str | None = None
    card: Card | None = None


@dataclass(frozen=True)
class Wishes:
    """What a person decides. ``user_connections`` None: left as it is."""

    quiet: bool = True
    publish: bool = True
    user_connections: bool | None = None


@dataclass(frozen=True)
class Change:
    """One thing that is set; ``code`` names the sentence in render/texts [webui_change]."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


class CheckState(StrEnum):
    """Unknown: it could not be asked."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One question a doctor asks; ``code`` names its sentence in render/texts [webui_check]. ``finding``: what is wrong
    and what to do. ``at``: when, where it was in an earlier round."""

    code: str
    state: CheckState
    params: Mapping[str, Param] = field(default_factory=dict)
    finding: Finding | None = None
    at: datetime | None = None


PROOF_HOLDS = timedelta(days=1)
"""How long a chat that worked is a proof: what happened to the model since, nobody has seen."""


@dataclass(frozen=True)
class Report:
    """A doctor's round. ``drift``: what a new connection would change now. ``version``: as told at the time."""

    at: datetime
    checks: tuple[Check, ...]
    drift: tuple[Change, ...] = ()
    version: str | None = None

    @property
    def state(self) -> CheckState:
        """As it was at the end of the round."""
        return self.state_at(self.at)

    def state_at(self, now: datetime) -> CheckState:
        """The worst. Good needs a proof that still holds: a chat that worked; a question that could not be asked is no
        bad news."""
        found = {check.state for check in self.checks}
        for state in (CheckState.BAD, CheckState.ATTENTION):
            if state in found:
                return state
        proved = (check.at or self.at for check in self.checks if check.code == "probe")
        return CheckState.GOOD if any(now - at <= PROOF_HOLDS for at in proved) else CheckState.UNKNOWN


@dataclass(frozen=True)
class Connected:
    """A service of ours as it was last written into an Open WebUI. ``key_print`` changes with its key and tells nothing
    about it; None: not noted."""

    endpoint_id: str
    url: str
    served_name: str
    card: Card | None = None
    parses_tools: bool | None = None
    key_print: str | None = None


@dataclass(frozen=True)
class Undo:
    """What the last change led from and to, and what was connected before. Kept encrypted: it holds keys."""

    before: WebUiSettings = field(repr=False)
    after: WebUiSettings = field(repr=False)
    connected: tuple[Connected, ...] = ()


class WriteState(StrEnum):
    """Half: it went away between two writes; finishing and undoing are both possible."""

    NONE = "none"
    HALF = "half"
    DONE = "done"
    UNDONE = "undone"


@dataclass(frozen=True)
class WebUi:
    """An Open WebUI that we know. ``url``: as this machine reaches it; ``public_url``: as a colleague does. ``spec``:
    the container where it is ours; ``wanted``: what was last asked for, ``leaving``: the endpoints that were last to be
    disconnected. ``not_taken``: what read differently after the last write. ``token_kept``: checks on a schedule can
    sign in."""

    id: str
    name: str
    url: str
    created_at: datetime
    created_by: str
    public_url: str | None = None
    version: str | None = None
    admin_email: str | None = None
    token_kept: bool = False
    wishes: Wishes = field(default_factory=Wishes)
    wanted: tuple[UpstreamRequest, ...] = ()
    leaving: tuple[str, ...] = ()
    connected: tuple[Connected, ...] = ()
    written: WriteState = WriteState.NONE
    written_at: datetime | None = None
    not_taken: tuple[Change, ...] = ()
    report: Report | None = None
    spec: ContainerSpec | None = None
    container_id: str | None = None
    job_id: str | None = None
    removed_at: datetime | None = None

    @property
    def drifted(self) -> tuple[Change, ...]:
        """What has changed since, by the last round; without what was never kept."""
        return tuple(change for change in self.report.drift if change not in self.not_taken) if self.report else ()

    @property
    def is_ours(self) -> bool:
        """Whether its container is ours to stop and remove."""
        return self.spec is not None


@dataclass(frozen=True)
class ConnectPlan:
    """What connecting (or, with ``leaving``, disconnecting) would change, and nothing else. ``kept``: the other
    connections, untouched. ``before`` and ``after`` hold keys: they are never shown or logged. ``fingerprint`` changes
    with what was found."""

    info: WebUiInfo
    upstreams: tuple[Upstream, ...]
    wishes: Wishes
    changes: tuple[Change, ...]
    kept: tuple[str, ...]
    findings: tuple[Finding, ...]
    before: WebUiSettings = field(repr=False)
    after: WebUiSettings = field(repr=False)
    fingerprint: str = ""
    leaving: tuple[Connected, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Those whose cards are read and written."""
        return (*(one.served_name for one in self.upstreams), *(one.served_name for one in self.leaving))


class Network(StrEnum):
    """Host: the container shares the machine's ports. Bridge: it has its own, and its loopback is not the machine's."""

    HOST = "host"
    BRIDGE = "bridge"


@dataclass(frozen=True)
class WebUiStartRequest:
    """A container to start; the guide's settings, corrected. ``password``: of the administrator whom an existing volume
    already has; None: one is made. ``offline``: nothing is fetched, and documents cannot be searched."""

    image: str
    email: str
    upstreams: tuple[UpstreamRequest, ...] = ()
    container_name: str = "open-webui"
    volume: str = "open-webui"
    port: int = 18080
    network: Network = Network.HOST
    restart: str = "always"
    locale: str = ""
    offline: bool = False
    password: str | None = field(default=None, repr=False)
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True)
class WebUiStartPlan:
    """``docker_run`` is the exact line; keys and passwords stand there by name only."""

    request: WebUiStartRequest
    spec: ContainerSpec
    docker_run: str
    findings: tuple[Finding, ...]
    fingerprint: str
