"""Reads a request as strictly as vLLM 0.32 does: what it refuses is refused, with its sentence and its error body."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator import known
from simulator.settings import FaultKind, SimulatorSettings
from simulator.tokens import Tokenizer

Body = Mapping[str, Any]
_DEFAULT_COMPLETION_TOKENS = 16
_SPECIAL_ONLY = [0]
_TOKENS = re.compile(r"\s*\S+\s*|\s+")
"""What a given answer is cut into: about a word each."""


class ApiError(Exception):
    """An answer in vLLM's error shape."""

    def __init__(
        self, message: str, *, status: int = 400, kind: str = "BadRequestError", param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}


@dataclass(frozen=True)
class Generation:
    """What a completion or chat request asks for. ``prompts`` holds one list of token ids per choice."""

    model: str
    is_chat: bool
    prompts: tuple[tuple[int, ...], ...]
    max_tokens: int
    min_tokens: int = 0
    ignore_eos: bool = False
    stop: tuple[str, ...] = ()
    salt: str | None = None
    seed: int = 0
    stream: bool = False
    include_usage: bool = False
    continuous_usage: bool = False
    script: tuple[str, ...] = ()
    """What the answer says, a token each; empty: made-up words."""
    endless: bool = False
    """It never stops by itself."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all its prompts."""
        return sum(len(prompt) for prompt in self.prompts)


def read_body(content_type: str, raw: bytes) -> Body:
    """The JSON object of a request."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError("Unsupported Media Type: Only 'application/json' is allowed", kind="Bad Request")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ApiError(f"JSON decode error: {error}", kind="Bad Request") from error
    if not isinstance(body, dict):
        raise ApiError("Input should be a valid dictionary", kind="Bad Request")
    return body


class RequestReader:
    """Turns bodies into generations, or raises ApiError."""

    def __init__(self, settings: SimulatorSettings, tokenizer: Tokenizer) -> None:
        self._settings = settings
        self._tokenizer = tokenizer
        kinds = (FaultKind.KNOWN_TRUNCATED, FaultKind.KNOWN_OVERFLOW, FaultKind.KNOWN_EMPTY)
        faults = (settings.fault(kind) for kind in kinds)
        self._shares = known.Shares(settings.known_right, *(fault.value if fault else 0.0 for fault in faults))

    def completion(self, body: Body) -> Generation:
        """/v1/completions."""
        self._check_model(body)
        stream = _check_sampling(body)
        self._check_token_ids(body)
        prompts = self._prompts(body)
        for field in ("echo", "logprobs", "suffix", "prompt_embeds"):
            _refuse_unsimulated(body, field)
        asked = _integer(body, "max_tokens", _DEFAULT_COMPLETION_TOKENS)
        return self._generation(body, prompts, asked, stream=stream, is_chat=False)

    def chat(self, body: Body) -> Generation:
        """/v1/chat/completions."""
        self._check_model(body)
        stream = _check_sampling(body)
        self._check_token_ids(body)
        _refuse_tools(body)
        _refuse_unsimulated(body, "logprobs")
        prompt = self.chat_prompt(body)
        asked = _integer(body, "max_completion_tokens", _integer(body, "max_tokens", None))
        return self._knowing(body, self._generation(body, [prompt], asked, stream=stream, is_chat=True))

    def _knowing(self, body: Body, wish: Generation) -> Generation:
        """With the answer to a question that it knows."""
        text = "\n".join(_content(message) for message in body["messages"])
        said = next((said for asked, said in self._settings.answers if asked in text), None)
        if said is not None and not wish.ignore_eos:
            return replace(wish, script=tuple(_TOKENS.findall(said)))
        question = known.find(text)
        if question is None or wish.ignore_eos:
            return wish
        fate = self._shares.fate(question)
        if fate is known.Fate.OVERFLOW:
            self._max_tokens(self._settings.max_model_len + 1, None)
        if fate is known.Fate.TRUNCATED:
            return replace(wish, endless=True)
        return replace(wish, script=known.words(question, fate))

    def chat_prompt(self, body: Body) -> list[int]:
        """The messages as tokens."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ApiError("Field required: messages", kind="Bad Request", param="messages")
        if self._settings.fault(FaultKind.NO_CHAT):
            raise ApiError(
                "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat "
                "template if the tokenizer does not define one."
            )
        return self._tokenizer.encode_chat([_content(message) for message in messages])

    def tokenized(self, body: Body) -> list[int]:
        """/tokenize: of a prompt or of messages."""
        self._check_model(body)
        if "messages" in body:
            return self.chat_prompt(body)
        prompt = body.get("prompt")
        if not isinstance(prompt, str):
            raise ApiError("Field required: prompt", kind="Bad Request", param="prompt")
        return self._tokenizer.encode(prompt)

    def model(self, body: Body) -> str:
        """The model that is asked, which has to be the one that is served."""
        self._check_model(body)
        return self._settings.model

    def count(self, text: str) -> int:
        """Its tokens."""
        return len(self._tokenizer.encode(text))

    # ------------------------------------------------------------ parts

    def _check_model(self, body: Body) -> None:
        model = body.get("model")
        if model is not None and model != self._settings.model:
            raise ApiError(f"The model `{model}` does not exist.", status=404, kind="NotFoundError", param="model")

    def _prompts(self, body: Body) -> list[list[int]]:
        prompt = body.get("prompt")
        if prompt is None or prompt == "":
            raise ApiError("Either prompt or prompt_embeds must be provided and non-empty.")
        if prompt == []:
            raise ApiError("You must pass at least one prompt")
        several = isinstance(prompt, list) and not isinstance(prompt[0], int)
        return [self._prompt(each) for each in (prompt if several else [prompt])]

    def _prompt(self, prompt: object) -> list[int]:
        if isinstance(prompt, str):
            return self._tokenizer.encode(prompt) or _SPECIAL_ONLY
        if not isinstance(prompt, list) or not prompt or not all(type(token) is int for token in prompt):
            raise ApiError("Input should be a valid string or list of integers", kind="Bad Request", param="prompt")
        if min(prompt) < 0:
            raise ApiError("Input should be greater than or equal to 0", kind="Bad Request", param="prompt")
        if max(prompt) >= self._settings.vocabulary_size:
            raise ApiError(f"Token id {max(prompt)} is out of vocabulary")
        return prompt

    def _check_token_ids(self, body: Body) -> None:
        bias, stops = body.get("logit_bias") or {}, body.get("stop_token_ids") or []
        if not isinstance(bias, dict) or not isinstance(stops, list):
            raise ApiError("Input should be a valid dictionary", kind="Bad Request", param="logit_bias")
        for field, tokens in (("logit_bias", list(bias)), ("stop_token_ids", stops)):
            try:
                strange = [int(token) for token in tokens if not 0 <= int(token) < self._settings.vocabulary_size]
            except (TypeError, ValueError) as error:
                raise ApiError(f"{field} must hold token ids: {error}", param=field) from error
            if strange:
                raise ApiError(
                    f"token_id(s) {strange} in {field} contain out-of-vocab token ids. "
                    f"Vocabulary size: {self._settings.vocabulary_size}",
                    param=field,
                )

    def _generation(
        self, body: Body, prompts: list[list[int]], asked: int | None, *, stream: bool, is_chat: bool
    ) -> Generation:
        longest = max(len(prompt) for prompt in prompts)
        max_tokens = self._max_tokens(longest, asked)
        minimum = _integer(body, "min_tokens", 0) or 0
        if not 0 <= minimum <= max_tokens:
            raise ApiError(f"min_tokens must be between 0 and max_tokens={max_tokens}, got {minimum}.")
        copies = _integer(body, "n", 1) or 1
        stop = body.get("stop") or []
        options = body.get("stream_options") or {}
        salt = body.get("cache_salt")
        return Generation(
            model=self._settings.model,
            is_chat=is_chat,
            prompts=tuple(tuple(prompt) for prompt in prompts for _ in range(copies)),
            max_tokens=max_tokens,
            min_tokens=minimum,
            ignore_eos=_boolean(body, "ignore_eos"),
            stop=(stop,) if isinstance(stop, str) else tuple(map(str, stop)),
            salt=str(salt) if salt is not None else None,
            seed=_integer(body, "seed", 0) or 0,
            stream=stream,
            include_usage=_boolean(options, "include_usage"),
            continuous_usage=_boolean(options, "continuous_usage_stats"),
        )

    def _max_tokens(self, prompt_tokens: int, asked: int | None) -> int:
        limit = self._settings.max_model_len
        beginning = f"This model's maximum context length is {limit} tokens. However,"
        if prompt_tokens > limit:
            raise ApiError(
                f"{beginning} your prompt contains at least {prompt_tokens} input tokens. "
                "Please reduce the length of the input prompt.",
                param="input_tokens",
            )
        left = limit - prompt_tokens
        if left == 0 or (asked is not None and asked < 1):
            raise ApiError(f"max_tokens must be at least 1, got {min(asked or 0, left)}.", param="max_tokens")
        if asked is not None and asked > left:
            raise ApiError(
                f"{beginning} you requested {asked} output tokens and your prompt contains at least {prompt_tokens} "
                f"input tokens, for a total of at least {asked + prompt_tokens} tokens. Please reduce the length of "
                "the input prompt or the number of requested output tokens.",
                param="input_tokens",
            )
        return asked if asked is not None else left


def origin_of(prompt: tuple[int, ...], seed: int, index: int) -> int:
    """Where the words of an answer begin: the same for the same prompt, seed and choice."""
    return zlib.crc32(repr((prompt, seed, index)).encode())


def _check_sampling(body: Body) -> bool:
    """Ranges of the sampling parameters; whether the answer is streamed."""
    for field, low, high in (
        ("temperature", 0.0, None),
        ("top_p", 0.0, 1.0),
        ("min_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ):
        value = _number(body, field)
        if value is not None and (value < low or (high is not None and value > high)):
            bounds = f"non-negative, got {value}." if high is None else f"in [{low:g}, {high:g}], got {value}."
            raise ApiError(f"{field} must be {bounds}", param=field)
    if _number(body, "top_p") == 0.0:
        raise ApiError("top_p must be in (0, 1], got 0.", param="top_p")
    if (copies := _integer(body, "n", 1)) is not None and copies < 1:
        raise ApiError(f"n must be at least 1, got {copies}.", param="n")
    stream = _boolean(body, "stream")
    if body.get("stream_options") and not stream:
        raise ApiError("Stream options can only be defined when `stream=True`.", param="stream_options")
    return stream


def _refuse_unsimulated(body: Body, field: str) -> None:
    """The real server would do it; answering as if it had been done would mislead."""
    if body.get(field):
        raise ApiError(f"{field} is not simulated.", param=field)


def _refuse_tools(body: Body) -> None:
    """As a server that was started without a tool parser."""
    if body.get("tools") and body.get("tool_choice", "auto") == "auto":
        raise ApiError('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')
    _refuse_unsimulated({**body, "tools": body.get("tools") if body.get("tool_choice") != "none" else None}, "tools")


def _content(message: object) -> str:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise ApiError("Field required: role", kind="Bad Request", param="messages")
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in parts) or not parts:
        raise ApiError("Only text content is supported: this is not a multimodal model", param="messages")
    return "\n".join(str(part.get("text", "")) for part in parts)


def _integer(body: Body, field: str, default: int | None) -> int | None:
    value = body.get(field)
    if value is None:
        return default
    if type(value) is not int:
        raise ApiError(f"{field}: Input should be a valid integer", kind="Bad Request", param=field)
    return value


def _number(body: Body, field: str) -> float | None:
    value = body.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(f"{field}: Input should be a valid number", kind="Bad Request", param=field)
    return float(value)


def _boolean(body: Body, field: str) -> bool:
    value = body.get(field)
    if value is not None and not isinstance(value, bool):
        raise ApiError(f"{field}: Input should be a valid boolean", kind="Bad Request", param=field)
    return bool(value)
