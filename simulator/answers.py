"""Turns tokens into the bodies of completions and chats, whole or streamed, as vLLM 0.32 shapes them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from simulator.engine import Emit, Running, natural_length
from simulator.http import Connection
from simulator.requests import Generation, origin_of
from simulator.settings import FaultKind, SimulatorSettings
from simulator.tokens import Tokenizer


@dataclass
class _Choice:
    """One answer of a request, as it grows."""

    index: int
    limit: int
    reasoning_tokens: int = 0
    text: str = ""
    reasoning: str = ""
    tokens: int = 0
    reason: str | None = None


class Answer:
    """One request's answer. ``over`` is done when the last byte is written or nobody listens any more."""

    def __init__(
        self, generation: Generation, connection: Connection, settings: SimulatorSettings, tokenizer: Tokenizer
    ) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._generation = generation
        self._connection = connection
        self._settings = settings
        self._tokenizer = tokenizer
        self._id = uuid.uuid4().hex
        self._created = int(time.time())
        self._begun = False
        self._choices: list[_Choice] = []
        self._streams = generation.stream and not settings.fault(FaultKind.NO_STREAM)

    def sequences(self) -> list[Running]:
        """One sequence per choice, for the engine."""
        return [self._sequence(index) for index in range(len(self._generation.prompts))]

    def cut_at_half(self) -> None:
        """The truncated-stream fault: half of the tokens, then the line goes dead."""
        for choice in self._choices:
            choice.limit = max(1, choice.limit // 2)

    # ------------------------------------------------------------ growing

    def _sequence(self, index: int) -> Running:
        wish = self._generation
        prompt = wish.prompts[index]
        origin = origin_of(prompt, wish.seed, index)
        stop_after = self._stop_after(origin)
        length = min(wish.max_tokens, stop_after or wish.max_tokens)
        thoughts = (length + 1) // 2 if self._thinks else 0
        choice = _Choice(index, limit=wish.max_tokens + 1, reasoning_tokens=thoughts)
        self._choices.append(choice)
        return Running(prompt, wish.max_tokens, self._emitter(choice), stop_after, wish.salt, origin)

    def _stop_after(self, origin: int) -> int | None:
        """Where the model stops by itself; it thinks as long as it then speaks."""
        wish = self._generation
        if wish.ignore_eos or wish.endless:
            return None
        said = len(wish.script) * (2 if self._thinks else 1)
        return max(wish.min_tokens, said or natural_length(origin))

    @property
    def _thinks(self) -> bool:
        return self._settings.reasoning and self._generation.is_chat

    def _emitter(self, choice: _Choice) -> Emit:
        def emit(tokens: list[int], reason: str | None) -> str | None:
            if self.over.done() or self._connection.is_gone:
                self._end()
                return "abort"
            if not tokens:
                return None
            return self._grow(choice, tokens, reason)

        return emit

    def _grow(self, choice: _Choice, tokens: list[int], reason: str | None) -> str | None:
        thoughts = max(0, min(len(tokens), choice.reasoning_tokens - choice.tokens))
        reasoning = self._tokenizer.decode(tokens[:thoughts])
        text = self._said(choice, tokens[thoughts:])
        choice.tokens += len(tokens)
        if (kept := self._before_stop(choice.text + text)) is not None:
            text, reason = kept[len(choice.text) :], "stop"
        choice.text += text
        choice.reasoning += reasoning
        choice.reason = reason
        if self._streams:
            self._send(choice, text, reasoning)
        if choice.tokens >= choice.limit:
            self._connection.cut()
            self._end()
            return "abort"
        if reason and all(each.reason for each in self._choices):
            self._complete()
        return reason

    def _said(self, choice: _Choice, tokens: list[int]) -> str:
        """The text of tokens that come after the thoughts."""
        script = self._generation.script
        if not script:
            return self._tokenizer.decode(tokens)
        begin = max(0, choice.tokens - choice.reasoning_tokens)
        return "".join(script[begin : begin + len(tokens)])

    def _before_stop(self, text: str) -> str | None:
        found = [at for stop in self._generation.stop if stop and (at := text.find(stop)) >= 0]
        return text[: min(found)] if found else None

    def _complete(self) -> None:
        if self._streams:
            if self._generation.include_usage and not self._settings.fault(FaultKind.NO_USAGE):
                self._event({"choices": [], "usage": self._usage()})
            self._connection.send_event("[DONE]")
            self._connection.end_stream()
        else:
            choices = [self._whole_choice(choice) for choice in self._choices]
            self._connection.answer_json(200, self._frame() | {"choices": choices, "usage": self._usage()})
        self._end()

    def _end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    # ------------------------------------------------------------ streaming

    def _send(self, choice: _Choice, text: str, reasoning: str) -> None:
        """vLLM's order: with the first token the head and, in a chat, an empty chunk with the role."""
        if not self._begun:
            self._begun = True
            self._connection.begin_stream()
            if self._generation.is_chat:
                for each in self._choices:
                    self._chunk(each, {"delta": {"role": "assistant", "content": ""}}, None)
        if not self._generation.is_chat:
            self._chunk(choice, {"text": text}, choice.reason)
            return
        delta = {"reasoning": reasoning} if reasoning else {}
        if text or not reasoning:
            delta["content"] = text
        self._chunk(choice, {"delta": delta}, choice.reason)

    def _chunk(self, choice: _Choice, body: dict[str, Any], reason: str | None) -> None:
        said = {"index": choice.index, **body, "logprobs": None, "finish_reason": reason}
        event: dict[str, Any] = {"choices": [said]}
        if self._generation.continuous_usage and not self._settings.fault(FaultKind.NO_USAGE):
            event["usage"] = self._usage()
        self._event(event)

    def _event(self, body: dict[str, Any]) -> None:
        self._connection.send_event(json.dumps(self._frame() | body, separators=(",", ":")))

    # ------------------------------------------------------------ bodies

    def _frame(self) -> dict[str, Any]:
        chat, prefix = self._generation.is_chat, "chatcmpl" if self._generation.is_chat else "cmpl"
        kind = ("chat.completion.chunk" if self._streams else "chat.completion") if chat else "text_completion"
        return {
            "id": f"{prefix}-{self._id}",
            "object": kind,
            "created": self._created,
            "model": self._generation.model,
        }

    def _whole_choice(self, choice: _Choice) -> dict[str, Any]:
        said: dict[str, Any] = {"index": choice.index, "logprobs": None, "finish_reason": choice.reason}
        if not self._generation.is_chat:
            return said | {"text": choice.text}
        message = {"role": "assistant", "content": choice.text, "reasoning": choice.reasoning or None}
        return said | {"message": message}

    def _usage(self) -> dict[str, int]:
        output = sum(choice.tokens for choice in self._choices)
        if self._settings.fault(FaultKind.WRONG_USAGE):
            output //= 2
        prompt = self._generation.prompt_tokens
        return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
