"""The look at a server: one request per question, within a limit for all of them."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from core.adapters import addresses
from core.adapters.endpoint_transport import Answer, exchange
from core.domain.endpoint import EndpointCheck, KeyState, ServedModel, Task, host_and_port, server_root
from core.domain.finding import Finding, Severity
from core.errors import EndpointError, TimedOut
from core.formats import openai_api
from core.formats.vllm_metrics import parse_metrics

_FIRST_ANSWER_SHARE = 0.4
_SIDE_QUESTION_S = 1.0
_VOCABULARY_S = 2.0
_PROBE_TOKENS = 4
_DENIED = frozenset({401, 403})
_NO_LIST = frozenset({404, 405, 501})
NO_SUCH_CALL = frozenset({400, 404, 405, 501})
"""What servers answer to a call that their model has no use for."""


class _Stop(Exception):
    """Nothing further can be asked; the findings say why."""


class Checker:
    """One check of one server. Findings: the codes of ``endpoint_transport.translated``, and endpoint_not_openai
    (url, status, content_type), endpoint_redirects (url, location), endpoint_rejected and endpoint_completion_failed
    (url, status, detail), endpoint_key_missing, endpoint_key_refused, endpoint_no_models (url), endpoint_key_malformed,
    endpoint_key_not_needed, endpoint_model_unknown (served_name, names), endpoint_several_models (served_name, count,
    names), endpoint_no_chat (detail), endpoint_no_stream (url, content_type), endpoint_no_usage (url),
    endpoint_no_token_in_time (url, timeout_s), endpoint_unlisted (url, served_name), endpoint_embed (url),
    endpoint_score (url), endpoint_simulated."""

    def __init__(
        self,
        client: httpx.Client,
        base_url: str,
        key: str | None,
        served_name: str | None,
        *,
        now: datetime,
        limit_s: float,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._key = key
        self._wanted = served_name
        self._limit_s = limit_s
        self._until = time.monotonic() + limit_s
        self._findings: list[Finding] = []
        self._is_listed = True
        self._check = EndpointCheck(checked_at=now, reachable=False, key_state=KeyState.UNKNOWN)

    def run(self) -> EndpointCheck:
        """Asks until an answer makes further questions pointless."""
        with suppress(_Stop):
            self._look()
        if self._check.simulated:
            self._find("endpoint_simulated", Severity.NOTE)
        self._learn(findings=tuple(self._findings))
        return self._check

    def _look(self) -> None:
        answer = self._first_answer()
        if self._check.key_state in {KeyState.MISSING, KeyState.REFUSED}:
            self._look_beside()
            self._block(f"endpoint_key_{self._check.key_state}", "key", url=self._base_url)
            raise _Stop
        self._choose_model(self._served_models(answer))
        self._look_beside()
        self._learn(vocabulary_size=self._vocabulary_size())
        self._try_stream()

    # ------------------------------------------------------------ is anybody there, and who may ask

    def _first_answer(self) -> Answer:
        """/v1/models, without the key and, where that is denied, with it."""
        if self._key and not (self._key.isascii() and self._key.isprintable()):
            self._block("endpoint_key_malformed", "key")  # it cannot stand in a header
            raise _Stop
        url, limit_s = f"{self._base_url}/models", self._limit_s * _FIRST_ANSWER_SHARE
        try:
            addresses.resolve(*host_and_port(url), timeout_s=limit_s)
            answer = self._ask("GET", url, limit_s, with_key=False)
            denied = answer.status in _DENIED
            if denied and self._key:
                answer = self._ask("GET", url, limit_s)
        except EndpointError as error:
            self._block(error.code, "url", **error.params)
            raise _Stop from error
        self._learn(reachable=True, latency_ms=answer.latency_ms, key_state=self._key_state(denied, answer.status))
        return answer

    def _key_state(self, denied_without: bool, status: int) -> KeyState:
        if denied_without and not self._key:
            return KeyState.MISSING
        if denied_without:
            return KeyState.REFUSED if status in _DENIED else KeyState.ACCEPTED
        if self._key:
            self._find("endpoint_key_not_needed", Severity.NOTE, "key")
        return KeyState.OPEN

    # ------------------------------------------------------------ what is served

    def _served_models(self, answer: Answer) -> tuple[ServedModel, ...]:
        url = f"{self._base_url}/models"
        models = openai_api.parse_models(answer.body) if answer.status == 200 else None
        if models:
            return models
        if self._wanted and answer.status in _NO_LIST:
            self._is_listed = False
            self._find("endpoint_unlisted", Severity.WARN, "served_name", url=url, served_name=self._wanted)
            return (ServedModel(self._wanted),)
        if models is not None:
            self._block("endpoint_no_models", "url", url=url)
        elif 300 <= answer.status < 400:
            self._block("endpoint_redirects", "url", url=url, location=answer.headers.get("location", ""))
        elif answer.status >= 500 or answer.status == 429:
            detail = openai_api.error_detail(answer.body)
            self._block("endpoint_rejected", "url", url=url, status=answer.status, detail=detail)
        else:
            kind = answer.content_type or "-"
            self._block("endpoint_not_openai", "url", url=url, status=answer.status, content_type=kind)
        raise _Stop

    def _choose_model(self, models: tuple[ServedModel, ...]) -> None:
        """The one asked for; without a wish the first, which is vLLM's base model."""
        self._learn(served_models=models)
        names = ", ".join(model.id for model in models[:10])
        chosen = next((model for model in models if model.id == self._wanted), None)
        if self._wanted and chosen is None:
            self._block("endpoint_model_unknown", "served_name", served_name=self._wanted, names=names)
            raise _Stop
        if chosen is None:
            chosen = models[0]
            if len(models) > 1:
                told: dict[str, Any] = {"served_name": chosen.id, "count": len(models), "names": names}
                self._find("endpoint_several_models", Severity.NOTE, "served_name", **told)
        self._learn(served_name=chosen.id, max_model_len=chosen.max_model_len)

    # ------------------------------------------------------------ beside the API

    def _look_beside(self) -> None:
        """/version, /metrics and /tokenize, which vLLM answers without a key. Once it is slow, it is not asked on."""
        root = server_root(self._base_url)
        try:
            said = openai_api.parse_json(self._ask("GET", f"{root}/version", _SIDE_QUESTION_S).body)
            if isinstance(said, dict) and isinstance(said.get("version"), str):
                self._learn(server_version=said["version"])
            metrics = self._ask("GET", f"{root}/metrics", _SIDE_QUESTION_S)
            self._learn(has_metrics=metrics.status == 200 and parse_metrics(metrics.text) is not None)
            tokens = self._ask("POST", f"{root}/tokenize", _SIDE_QUESTION_S, body={"prompt": "Hello"})
            self._learn(has_tokenize=tokens.status == 200 and tokens.content_type == "application/json")
        except EndpointError:
            return

    def _vocabulary_size(self) -> int | None:
        body = openai_api.vocabulary_probe(self._check.served_name or "")
        try:
            answer = self._ask("POST", f"{self._base_url}/completions", _VOCABULARY_S, body=body)
        except EndpointError:
            return None
        return openai_api.parse_vocabulary_size(answer.body) if answer.status == 400 else None

    # ------------------------------------------------------------ does it really answer

    def _try_stream(self) -> None:
        try:
            answer = self._streamed_answer(self._check.served_name or "")
            if answer.status in NO_SUCH_CALL and self._pools():
                return
        except TimedOut as error:  # it lists its models: loaded or compiling, not absent
            waited_s = error.params.get("timeout_s")
            self._find("endpoint_no_token_in_time", Severity.WARN, "url", url=self._base_url, timeout_s=waited_s)
        except EndpointError as error:
            self._block(error.code, "url", **error.params)
        else:
            self._read_stream(answer)

    def _pools(self) -> bool:
        """Whether it does something else than write: embeddings, or scores."""
        for task, probe in openai_api.POOLING.items():
            body = probe.body(self._check.served_name or "")
            answer = self._ask("POST", f"{self._base_url}/{probe.path}", self._limit_s, body=body)
            if answer.status == 200 and probe.is_answered(answer.body):
                self._learn(task=task)
                self._find(f"endpoint_{task}", Severity.NOTE, url=self._base_url)
                return True
        return False

    def _streamed_answer(self, served_name: str) -> Answer:
        """A short chat; a model without a chat template is asked for a completion."""
        answer = self._stream("chat/completions", openai_api.chat_body(served_name, _PROBE_TOKENS))
        if answer.status not in NO_SUCH_CALL:
            return answer
        detail = openai_api.error_detail(answer.body)
        answer = self._stream("completions", openai_api.completion_body(served_name, _PROBE_TOKENS))
        if answer.status == 200:
            self._find("endpoint_no_chat", Severity.WARN, detail=detail)
        return answer

    def _stream(self, path: str, body: dict[str, Any]) -> Answer:
        return self._ask("POST", f"{self._base_url}/{path}", self._limit_s, body=openai_api.streamed(body))

    def _read_stream(self, answer: Answer) -> None:
        summary = openai_api.summarize_stream(answer.body)
        error = openai_api.error_detail(answer.body) if answer.status != 200 else summary.error
        if error is not None:
            self._blame(answer, error)
            return
        reasons = summary.reasons if summary.is_stream else None
        self._learn(task=Task.GENERATE, streams=summary.is_stream, reasons=reasons)
        if not summary.is_stream:
            kind = answer.content_type or "-"
            self._block("endpoint_no_stream", "url", url=self._base_url, content_type=kind)
        elif answer.whole and not summary.has_usage:
            self._find("endpoint_no_usage", Severity.WARN, "url", url=self._base_url)

    def _blame(self, answer: Answer, detail: str) -> None:
        """A path without models and without completions is no API at all."""
        if not self._is_listed and answer.status in _NO_LIST:
            self._learn(served_models=(), served_name=None)
            kind = answer.content_type or "-"
            self._block("endpoint_not_openai", "url", url=self._base_url, status=answer.status, content_type=kind)
        else:
            self._block("endpoint_completion_failed", "url", url=self._base_url, status=answer.status, detail=detail)

    # ------------------------------------------------------------ asking and noting

    def _ask(
        self, method: str, url: str, limit_s: float, *, with_key: bool = True, body: dict[str, Any] | None = None
    ) -> Answer:
        """One request, within its own limit and what is left of the whole."""
        left_s = min(limit_s, self._until - time.monotonic())
        if left_s <= 0:
            raise TimedOut("endpoint_never_answers", url=url, timeout_s=self._limit_s)
        key = self._key if with_key else None
        answer = exchange(self._client, method, url, timeout_s=left_s, key=key, body=body)
        if answer.headers.get("x-seatrial-simulated") == "1":
            self._learn(simulated=True)
        return answer

    def _learn(self, **found: Any) -> None:
        self._check = replace(self._check, **found)

    def _block(self, code: str, field: str, **params: Any) -> None:
        self._find(code, Severity.BLOCK, field, **params)

    def _find(self, code: str, severity: Severity, field: str | None = None, **params: Any) -> None:
        self._findings.append(Finding(code, severity, field, params))
