"""Our own chat, for the first try. Answers stream into one bounded registry, so that they outlive a page's reruns;
nothing is stored, and what nobody looks at any more is hung up."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.domain.access import Actor, Role
from core.domain.chat import Answer, AnswerState, ChatParameters, Message, Piece, apart, rate
from core.domain.job import Reason
from core.errors import AppError, BadInput, NotFoundError, RefusedError
from core.formats.openai_chat import chat_request
from core.ports import ChatClient, ChatStream
from core.services.access import require
from core.services.endpoints import EndpointService

MAX_ANSWERS = 64
MAX_ACTIVE = 16
ABANDONED_S = 90.0
"""An open page asks several times a second, one behind other tabs as seldom as once a minute; one that was closed must
not keep a server busy."""


@dataclass
class _Stream:
    """One answer under way. The reading thread writes, pages read; both hold ``lock``."""

    id: str
    endpoint_id: str
    owner: str
    line: ChatStream
    began_s: float
    seen_s: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: AnswerState = AnswerState.WAITING
    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    first_s: float | None = None
    last_s: float | None = None
    ended_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    reason: Reason | None = None


class ChatService:
    """``clock_s``: a monotonic clock; ``spawn``: how a reader is started."""

    def __init__(
        self,
        endpoints: EndpointService,
        client: ChatClient,
        clock_s: Callable[[], float] = time.monotonic,
        spawn: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._client = client
        self._now = clock_s
        self._spawn = spawn or _thread
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}

    def ask(self, actor: Actor, endpoint_id: str, messages: Sequence[Message], parameters: ChatParameters) -> Answer:
        """Begins an answer. Raises NotFoundError, BadInput (chat_empty), RefusedError (chat_busy: count)."""
        require(actor, Role.VIEWER)
        if not messages or not messages[-1].content.strip():
            raise BadInput("chat_empty", field="message")
        endpoint = self._endpoints.get(endpoint_id)
        key = self._endpoints.key_of(endpoint)
        body = chat_request(endpoint.served_name, messages, parameters)
        stream = self._admit(actor, endpoint_id, self._client.stream(endpoint.base_url, key, body))
        self._spawn(lambda: self._read(stream))
        return _answer(stream, self._now())

    def look(self, actor: Actor, answer_id: str) -> Answer:
        """As far as it has come. Raises NotFoundError, also for somebody else's."""
        stream, now = self._own(actor, answer_id), self._now()
        self._hang_up_abandoned(now)
        with stream.lock:
            stream.seen_s = now
            return _answer(stream, now)

    def find(self, actor: Actor, answer_id: str) -> Answer | None:
        """The same; None where it was forgotten: the registry is bounded, and ends with its process."""
        try:
            return self.look(actor, answer_id)
        except NotFoundError:
            return None

    def stop(self, actor: Actor, answer_id: str) -> None:
        """Hangs up; what has come stays. Nothing happens to one that has ended or was forgotten."""
        with suppress(NotFoundError):
            _hang_up(self._own(actor, answer_id), self._now())

    # ------------------------------------------------------------ the registry

    def _admit(self, actor: Actor, endpoint_id: str, line: ChatStream) -> _Stream:
        now = self._now()
        self._hang_up_abandoned(now)
        with self._lock:
            active = sum(stream.state.is_active for stream in self._streams.values())
            if active >= MAX_ACTIVE:
                raise RefusedError("chat_busy", count=active)
            ended = [stream.id for stream in self._streams.values() if not stream.state.is_active]
            for answer_id in ended[: max(len(self._streams) - MAX_ANSWERS + 1, 0)]:
                del self._streams[answer_id]
            stream = _Stream(f"an-{uuid.uuid4().hex[:12]}", endpoint_id, actor.name, line, now, now)
            self._streams[stream.id] = stream
            return stream

    def _own(self, actor: Actor, answer_id: str) -> _Stream:
        with self._lock:
            stream = self._streams.get(answer_id)
        if stream is None or stream.owner != actor.name:
            raise NotFoundError(kind="answer", id=answer_id)
        return stream

    def _hang_up_abandoned(self, now: float) -> None:
        with self._lock:
            left = [one for one in self._streams.values() if one.state.is_active and now - one.seen_s > ABANDONED_S]
        for stream in left:
            _hang_up(stream, now)

    # ------------------------------------------------------------ the reader

    def _read(self, stream: _Stream) -> None:
        try:
            for piece in stream.line:
                self._take(stream, piece)
                if self._now() - stream.seen_s > ABANDONED_S:
                    _hang_up(stream, self._now())
            self._end(stream, AnswerState.DONE)
        except AppError as error:
            self._end(stream, AnswerState.FAILED, Reason(error.code, error.params))

    def _take(self, stream: _Stream, piece: Piece) -> None:
        now = self._now()
        with stream.lock:
            if not stream.state.is_active:
                return
            if piece.content or piece.reasoning:
                stream.first_s = stream.first_s or now
                stream.last_s = now
                stream.state = AnswerState.ANSWERING
            stream.content.append(piece.content)
            stream.reasoning.append(piece.reasoning)
            stream.finish_reason = piece.finish_reason or stream.finish_reason
            stream.input_tokens = piece.input_tokens if piece.input_tokens is not None else stream.input_tokens
            stream.output_tokens = piece.output_tokens if piece.output_tokens is not None else stream.output_tokens

    def _end(self, stream: _Stream, state: AnswerState, reason: Reason | None = None) -> None:
        with stream.lock:
            if stream.state.is_active:
                stream.state, stream.reason, stream.ended_s = state, reason, self._now()


def _hang_up(stream: _Stream, now: float) -> None:
    """The state first: what the cut line does to the reader then changes nothing any more."""
    with stream.lock:
        if not stream.state.is_active:
            return
        stream.state, stream.ended_s = AnswerState.STOPPED, now
    stream.line.hang_up()


def _answer(stream: _Stream, now: float) -> Answer:
    first_s = None if stream.first_s is None else stream.first_s - stream.began_s
    last_s = None if stream.last_s is None else stream.last_s - stream.began_s
    content, reasoning = apart("".join(stream.content), "".join(stream.reasoning))
    return Answer(
        id=stream.id,
        endpoint_id=stream.endpoint_id,
        state=stream.state,
        content=content,
        reasoning=reasoning,
        ttft_ms=None if first_s is None else first_s * 1000,
        duration_s=(stream.ended_s or now) - stream.began_s,
        input_tokens=stream.input_tokens,
        output_tokens=stream.output_tokens,
        tokens_per_s=rate(stream.output_tokens, first_s, last_s),
        finish_reason=stream.finish_reason,
        reason=stream.reason,
    )


def _thread(target: Callable[[], None]) -> None:
    threading.Thread(target=target, name="chat answer", daemon=True).start()
