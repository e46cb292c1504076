"""Files of prompts: ShareGPT's JSON, or one JSON object a line. Both become lines ``{"prompt", "messages", "turns",
"output_tokens"}``, which is what is kept and what the load generator reads. Read as a stream: ShareGPT_V3 as it is
handed about has 670 MB."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from core.domain.workload import Dataset
from core.errors import BadInput

LIMIT_BYTES = 1024 * 1024 * 1024
TURNS_KEPT = 8
"""Of a longer conversation the rest is left out."""
TURNS_MARK = '{"n_turns": '
"""A kept line with several turns begins with it and their number, so that nobody has to read the rest to know."""
_CHUNK_BYTES = 1024 * 1024
_CHARACTERS_PER_TOKEN = 4
"""A guess for English text, and of the bytes in UTF-8 one for Chinese. Only what the plan foresees depends on it, and
how long a recorded answer is."""
_DECODER = json.JSONDecoder()
_NO_SPACE = re.compile(r"\S")
_ENTRY_CHARACTERS = 32 * 1024 * 1024
_BAD_KEPT = 1_000
_PROMPT_NAMES = ("prompt", "question", "input", "text", "instruction")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}

Turn = tuple[str, str | None]
"""What a person says, and the recorded answer where there is one."""


@dataclass(frozen=True)
class BadLine:
    """A part of a file that was left out: its line (of a JSON array: its place, from 1), and why (a code)."""

    line: int
    code: str


@dataclass
class PromptFile:
    """What is known of a file once ``lines`` has been read to its end. ``bad`` names at most the first thousand."""

    source: BinaryIO
    kind: Literal["sharegpt", "jsonl"] = "jsonl"
    samples: int = 0
    bad: list[BadLine] = field(default_factory=list)
    has_messages: bool = False
    _characters: int = 0
    _outputs: list[int] = field(default_factory=list)
    _longest: tuple[int, int] = (0, 0)
    _turns: list[int] = field(default_factory=lambda: [0] * TURNS_KEPT)

    def lines(self) -> Iterator[str]:
        """One JSON object a line, ready to be kept. Raises BadInput: prompts_too_large (limit_mib), prompts_not_text,
        prompts_not_json (line, detail) and prompts_none (where no line is a prompt)."""
        text = _Text(self.source)
        is_array = text.peek() == "["
        self.kind = "sharegpt" if is_array else "jsonl"
        for line, entry in _array(text) if is_array else _lines(text):
            sample = _sample(entry)
            if isinstance(sample, str):
                self.bad += [BadLine(line, sample)] if len(self.bad) < _BAD_KEPT else []
                continue
            self._count(sample)
            yield json.dumps(sample, ensure_ascii=False) + "\n"
        if not self.samples:
            raise BadInput("prompts_none", field="dataset", count=len(self.bad))

    def dataset(self, name: str, digest: str) -> Dataset:
        """What a workload remembers of it."""
        outputs = self._outputs
        return Dataset(
            name=name,
            digest=digest,
            samples=self.samples,
            kind=self.kind,
            has_messages=self.has_messages,
            input_tokens=max(1, self._characters // _CHARACTERS_PER_TOKEN // max(1, self.samples)),
            longest_input=self._longest[0],
            longest_total=self._longest[1] if len(outputs) == self.samples else None,
            output_tokens=round(sum(outputs) / len(outputs)) if outputs else None,
            turns_at_least=tuple(count for count in self._turns if count),
        )

    def _count(self, sample: Mapping[str, Any]) -> None:
        said = sample.get("messages") or sample["prompt"]
        asked = _guess(said if isinstance(said, str) else "".join(one["content"] for one in said))
        answered = sample["output_tokens"]
        self.samples += 1
        self.has_messages = self.has_messages or "messages" in sample
        self._characters += len(json.dumps(said))
        self._outputs += [answered] if answered else []
        self._longest = max(self._longest[0], asked), max(self._longest[1], asked + (answered or 0))
        for number in range(sample.get("n_turns", 1)):
            self._turns[number] += 1


def read_prompts(source: BinaryIO) -> tuple[PromptFile, Iterator[str]]:
    """The file, and its lines: only when they have all been taken is anything known of it. Raises, while they are
    taken, as ``PromptFile.lines``."""
    found = PromptFile(source)
    return found, found.lines()


# ------------------------------------------------------------ JSON as a stream


class _Text:
    """Text that comes in pieces. ``rest`` is what has been read, from ``at`` on what has not been used."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._read = 0
        self._lines = 1
        self.rest = ""
        self.at = 0
        self.ended = False

    @property
    def line(self) -> int:
        """The number of the line that comes next."""
        return self._lines + self.rest.count("\n", 0, self.at)

    def more(self) -> bool:
        """Reads a piece, and forgets what has been used. False at the end. Raises BadInput."""
        data = b"" if self.ended else self._source.read(_CHUNK_BYTES)
        self._read += len(data)
        if self._read > LIMIT_BYTES:
            raise BadInput("prompts_too_large", field="dataset", limit_mib=LIMIT_BYTES >> 20)
        try:
            piece = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise BadInput("prompts_not_text", field="dataset", offset=self._read - len(data) + error.start) from error
        self._lines, self.rest, self.at = self.line, self.rest[self.at :] + piece, 0
        self.ended = not data
        return not self.ended

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = _NO_SPACE.search(self.rest, self.at)
            self.at = found.start() if found else len(self.rest)
            if found or not self.more():
                return found[0] if found else ""


def _array(text: _Text) -> Iterator[tuple[int, Any]]:
    """The entries of an array, one at a time; a broken one ends it."""
    text.at += 1
    number = 0
    while True:
        sign = text.peek()
        if sign == "]":
            return
        if number:
            if sign != ",":
                raise _not_json(text, "a comma or ] is missing" if sign else "the file ends in the middle")
            text.at += 1
            text.peek()
        number += 1
        yield number, _value(text)


def _value(text: _Text) -> Any:
    """The next value, once it is whole."""
    while True:
        try:
            value, end = _DECODER.raw_decode(text.rest, text.at)
        except RecursionError as error:
            raise _not_json(text, str(error)) from error
        except ValueError as error:
            if len(text.rest) > _ENTRY_CHARACTERS or not text.more():
                raise _not_json(text, str(error)) from error
            continue
        if end < len(text.rest) or not text.more():  # a number may go on
            text.at = end
            return value


def _not_json(text: _Text, detail: str) -> BadInput:
    return BadInput("prompts_not_json", field="dataset", line=text.line, detail=detail)


def _lines(text: _Text) -> Iterator[tuple[int, Any]]:
    number = text.line - 1
    while not text.ended:
        *whole, last = text.rest[text.at :].split("\n")
        text.at = len(text.rest) - len(last)
        if not text.more():
            whole.append(last)
        for line in whole:
            number += 1
            if line.strip():
                yield number, _loaded(line)


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


# ------------------------------------------------------------ samples


def _sample(entry: Any) -> dict[str, Any] | str:
    """The sample, or the code of what is wrong with it."""
    if not isinstance(entry, dict):
        return "not_an_object"
    messages = entry.get("conversations") or entry.get("messages")
    if messages is not None:
        return _conversation(entry, messages)
    prompt = next((entry[name] for name in _PROMPT_NAMES if isinstance(entry.get(name), str)), "")
    return {"prompt": prompt, "output_tokens": _output_tokens(entry)} if prompt.strip() else "no_prompt"


def _conversation(entry: Mapping[str, Any], messages: Any) -> dict[str, Any] | str:
    """ShareGPT: what a person says first, and as many tokens as the recorded answer has, as vLLM's benchmark takes it;
    further turns where there are any. OpenAI's form: all messages, down to the last person's."""
    said = list(_said(messages)) if isinstance(messages, list) else []
    users = [number for number, (role, _) in enumerate(said) if role == "user"]
    if not users:
        return "no_prompt"
    prompt = said[users[0]][1]
    if "conversations" in entry:
        return _turns_of(_turns(said[users[0] :]), _output_tokens(entry))
    whole = [{"role": role, "content": text} for role, text in said[: users[-1] + 1]]
    return {"prompt": prompt, "messages": whole, "output_tokens": _output_tokens(entry)}


def _turns_of(turns: Sequence[Turn], wanted: int | None) -> dict[str, Any]:
    """A turn is kept as what is asked, the answer (for the history of the turns after it), and the answer's length."""
    prompt, answer = turns[0]
    sample = {"prompt": prompt, "output_tokens": wanted or _length(answer)}
    if len(turns) < 2:
        return sample
    kept = [[asked, told, _length(told)] for asked, told in turns]
    return {"n_turns": len(kept), **sample, "turns": kept}


def _turns(said: Sequence[tuple[str, str]]) -> list[Turn]:
    """Question and answer by turns, as long as they follow one another."""
    found: list[Turn] = []
    for role, text in said:
        if role == "user" and (not found or found[-1][1] is not None):
            found.append((text, None))
        elif role == "assistant" and found and found[-1][1] is None:
            found[-1] = (found[-1][0], text)
        else:
            break
    return found[:TURNS_KEPT]


def _said(messages: list[Any]) -> Iterator[tuple[str, str]]:
    for message in messages:
        if not isinstance(message, dict):
            continue
        role = _ROLES.get(str(message.get("from") or message.get("role")))
        text = message.get("value") or message.get("content")
        if role and isinstance(text, str) and text.strip():
            yield role, text


def _length(answer: str | None) -> int | None:
    return None if answer is None else _guess(answer)


def _guess(text: str) -> int:
    """Tokens of a text, by its bytes: about four to one in English, three (a character) to two thirds in Chinese."""
    return max(1, len(text.encode("utf-8", "replace")) // _CHARACTERS_PER_TOKEN)


def _output_tokens(entry: Mapping[str, Any]) -> int | None:
    found = entry.get("output_tokens") or entry.get("max_tokens")
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1_000_000 else None
