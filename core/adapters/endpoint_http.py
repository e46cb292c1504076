"""The EndpointClient port over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters import addresses
from core.adapters.endpoint_check import NO_SUCH_CALL, Checker
from core.adapters.endpoint_transport import Answer, exchange, open_client
from core.domain.endpoint import EndpointCheck, Task, host_and_port, server_root
from core.errors import EndpointError, NotOpenAI, Rejected, TimedOut
from core.formats import openai_api
from core.formats.vllm_metrics import parse_metrics
from core.ports import Clock


class HttpEndpointClient:
    """Talks to OpenAI-compatible servers, vLLM first of all. Holds no connection between calls and no state."""

    def __init__(self, clock: Clock, check_limit_s: float = 10.0) -> None:
        self._clock = clock
        self._check_limit_s = check_limit_s

    def check(
        self, base_url: str, key: str | None, served_name: str | None = None, limit_s: float | None = None
    ) -> EndpointCheck:
        """Looks at everything once, within ``limit_s``, else ``check_limit_s``. Never raises for a bad server."""
        now, limit_s = self._clock.now(), limit_s or self._check_limit_s
        with open_client() as client:
            return Checker(client, base_url, key, served_name, now=now, limit_s=limit_s).run()

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool:
        """Whether /health answers 200; a server that has no /health is asked for its models (401 counts as alive)."""
        root = server_root(base_url)
        try:
            with open_client() as client:
                answer = exchange(client, "GET", f"{root}/health", timeout_s=timeout_s)
                if answer.status != 404:
                    return answer.status == 200
                return exchange(client, "GET", f"{base_url}/models", timeout_s=timeout_s).status in {200, 401, 403}
        except EndpointError:
            return False

    def complete_once(self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0) -> str:
        """One real one-token completion; a server without /completions is asked by chat. Raises EndpointError."""
        url, body = f"{base_url}/completions", openai_api.completion_body(served_name)
        with open_client() as client:
            answer = exchange(client, "POST", url, timeout_s=timeout_s, key=key, body=body)
            if answer.status in {404, 405} and not openai_api.is_unknown_model(answer.body):
                url, body = f"{base_url}/chat/completions", openai_api.chat_body(served_name)
                answer = exchange(client, "POST", url, timeout_s=timeout_s, key=key, body=body)
        _refuse_unanswered(base_url, url, answer, key, timeout_s)
        return _text(url, answer)

    def answer_once(
        self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0, first: Task = Task.GENERATE
    ) -> Task:
        """A completion, an embedding or a ranking, ``first`` before the others. Raises EndpointError."""
        refusal: Rejected | None = None
        for task in sorted(Task, key=lambda one: one is not first):
            try:
                if task is Task.GENERATE:
                    self.complete_once(base_url, key, served_name, timeout_s)
                else:
                    _pool_once(base_url, key, served_name, task, timeout_s)
            except Rejected as error:
                if error.params.get("status") not in NO_SUCH_CALL:
                    raise
                refusal = refusal or error
            else:
                return task
        raise refusal or NotOpenAI(url=base_url)

    def metrics(self, base_url: str, timeout_s: float = 2.0) -> Mapping[str, float] | None:
        """vLLM's own counters and gauges (names without ``vllm:``), or None where there are none."""
        url = f"{server_root(base_url)}/metrics"
        try:
            with open_client() as client:
                answer = exchange(client, "GET", url, timeout_s=timeout_s)
        except EndpointError:
            return None
        return parse_metrics(answer.text) if answer.status == 200 else None

    def resolve(self, base_url: str) -> tuple[str, int]:
        """IP address and port; every address of this machine reads 127.0.0.1. Raises Unreachable (endpoint_dns)."""
        host, port = host_and_port(base_url)
        return addresses.resolve(host, port), port


def _pool_once(base_url: str, key: str | None, served_name: str, task: Task, timeout_s: float) -> None:
    probe = openai_api.POOLING[task]
    url = f"{base_url}/{probe.path}"
    with open_client() as client:
        answer = exchange(client, "POST", url, timeout_s=timeout_s, key=key, body=probe.body(served_name))
    _refuse_unanswered(base_url, url, answer, key, timeout_s)
    if answer.status != 200:
        raise Rejected(url=url, status=answer.status, detail=openai_api.error_detail(answer.body))
    if not probe.is_answered(answer.body):
        raise NotOpenAI(url=url, status=answer.status, content_type=answer.content_type)


def _refuse_unanswered(base_url: str, url: str, answer: Answer, key: str | None, timeout_s: float) -> None:
    if answer.status in {401, 403}:
        raise Rejected("endpoint_key_refused" if key else "endpoint_key_missing", url=base_url)
    if not answer.whole:
        raise TimedOut("endpoint_never_answers", url=url, timeout_s=timeout_s)


def _text(url: str, answer: Answer) -> str:
    if answer.status != 200:
        raise Rejected(url=url, status=answer.status, detail=openai_api.error_detail(answer.body))
    text = openai_api.parse_completion(answer.body)
    if text is None:
        raise NotOpenAI(url=url, status=answer.status, content_type=answer.content_type)
    return text
