"""EndpointClient without a network: servers are put in, by base URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.endpoint import EndpointCheck, KeyState, ServedModel, Task, host_and_port
from core.domain.finding import Finding, Severity
from core.errors import Rejected, Unreachable
from core.ports import Clock

_OWN = {"localhost", "127.0.0.1", "::1"}


@dataclass
class FakeServer:
    """One model server: what it serves, the key it wants, what it counts."""

    served_name: str = "tiny"
    key: str | None = None
    max_model_len: int = 4096
    vocabulary_size: int = 4000
    version: str = "0.32.0"
    reasons: bool = False
    simulated: bool = False
    trial_fails: bool = False
    task: Task = Task.GENERATE
    slow_checks: int = 0
    """How many checks end before the first token comes."""
    metrics: dict[str, float] = field(default_factory=lambda: {"num_requests_running": 0.0})


class FakeEndpointClient:
    """Servers that are not put in refuse the connection."""

    def __init__(self, clock: Clock, servers: Mapping[str, FakeServer] | None = None) -> None:
        self._clock = clock
        self.servers: dict[str, FakeServer] = dict(servers or {})
        self.addresses: dict[str, str] = {}
        self.checked_with: list[str | None] = []

    def check(
        self, base_url: str, key: str | None, served_name: str | None = None, limit_s: float | None = None
    ) -> EndpointCheck:
        self.checked_with.append(key)
        now, server = self._clock.now(), self.servers.get(base_url)
        if server is None:
            finding = Finding("endpoint_refused", Severity.BLOCK, "url", {"url": base_url, "host": base_url})
            return EndpointCheck(now, reachable=False, key_state=KeyState.UNKNOWN, findings=(finding,))
        if server.key is not None and key != server.key:
            state = KeyState.REFUSED if key else KeyState.MISSING
            finding = Finding(f"endpoint_key_{state}", Severity.BLOCK, "key", {"url": base_url})
            return EndpointCheck(now, reachable=True, key_state=state, findings=(finding,))
        models = (ServedModel(server.served_name, server.max_model_len),)
        if served_name not in {None, server.served_name}:
            params = {"served_name": served_name, "names": server.served_name}
            finding = Finding("endpoint_model_unknown", Severity.BLOCK, "served_name", params)
            told = (finding, *((Finding("endpoint_simulated", Severity.NOTE),) if server.simulated else ()))
            return EndpointCheck(now, True, KeyState.OPEN, served_models=models, findings=told)
        failed = Finding("endpoint_completion_failed", Severity.BLOCK, "url", {"url": base_url, "status": 500})
        slow = Finding("endpoint_no_token_in_time", Severity.WARN, "url", {"url": base_url, "timeout_s": limit_s})
        is_slow, server.slow_checks = server.slow_checks > 0, max(server.slow_checks - 1, 0)
        writes = server.task is Task.GENERATE and not server.trial_fails and not is_slow
        return EndpointCheck(
            now,
            reachable=True,
            key_state=KeyState.ACCEPTED if server.key else KeyState.OPEN,
            served_models=models,
            served_name=server.served_name,
            max_model_len=server.max_model_len,
            vocabulary_size=server.vocabulary_size,
            server_version=server.version,
            streams=True if writes else None,
            reasons=server.reasons if writes else None,
            has_metrics=True,
            has_tokenize=True,
            simulated=server.simulated,
            latency_ms=1.0,
            task=None if server.trial_fails or is_slow else server.task,
            findings=(
                *((failed,) if server.trial_fails else ()),
                *((slow,) if is_slow else ()),
                *((Finding(f"endpoint_{server.task}", Severity.NOTE),) if server.task is not Task.GENERATE else ()),
                *((Finding("endpoint_simulated", Severity.NOTE),) if server.simulated else ()),
            ),
        )

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool:
        return base_url in self.servers

    def complete_once(self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0) -> str:
        server = self._server(base_url)
        if server.key is not None and key != server.key:
            raise Rejected("endpoint_key_refused" if key else "endpoint_key_missing", url=base_url)
        if served_name != server.served_name:
            detail = f"The model `{served_name}` does not exist."
            raise Rejected(url=f"{base_url}/completions", status=404, detail=detail)
        if server.task is not Task.GENERATE:
            raise Rejected(url=f"{base_url}/completions", status=404, detail="Not Found")
        return "word"

    def answer_once(
        self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0, first: Task = Task.GENERATE
    ) -> Task:
        try:
            self.complete_once(base_url, key, served_name, timeout_s)
        except Rejected as refusal:
            if refusal.params.get("detail") != "Not Found":
                raise
        return self._server(base_url).task

    def metrics(self, base_url: str, timeout_s: float = 2.0) -> Mapping[str, float] | None:
        server = self.servers.get(base_url)
        return dict(server.metrics) if server else None

    def resolve(self, base_url: str) -> tuple[str, int]:
        host, port = host_and_port(base_url)
        return ("127.0.0.1" if host in _OWN else self.addresses.get(host, host)), port

    def _server(self, base_url: str) -> FakeServer:
        if base_url not in self.servers:
            raise Unreachable("endpoint_refused", url=base_url, host=base_url, detail="Connection refused")
        return self.servers[base_url]
