"""Prompts out of a file of samples (core.formats.datasets), in an order drawn from the seed. The file may be larger
than memory: only where its lines begin is kept, and each is read when its request is made."""

from __future__ import annotations

import json
import os
from array import array
from pathlib import Path
from typing import Any

from core.domain.workload import Api
from core.formats.datasets import TURNS_MARK
from core.loadgen.prompts import random_values
from core.loadgen.shape import MEASURED
from core.loadgen.words import WORDS

_WARMUP_WORDS = 64
_MARK = TURNS_MARK.encode()


class FilePrompts:
    """Each sample once before any comes again; of a conversation with several turns, the first ``turns`` of them, each
    with the recorded answers before it. Warm-ups are words of our own: none of the measured prompts. Raises OSError,
    ValueError where no sample has so many turns."""

    def __init__(self, path: str, seed: int, api: Api, turns: int = 1) -> None:
        from random import Random  # imported where it is needed: it takes a while

        self._file = os.open(path, os.O_RDONLY)  # one position is shared by all processes: read by offset alone
        self._begins = _beginnings(path, turns)
        if not self._begins:
            raise ValueError(f"no sample has {turns} turns")
        self._order = list(range(len(self._begins) // 2))
        Random(seed).shuffle(self._order)
        self._seed = seed
        self._api = api
        self._turns = turns
        self._last: tuple[int, dict[str, Any]] = (-1, {})

    def field(self, kind: str, index: int) -> bytes:
        """``"prompt":"..."`` or ``"messages":[...]``."""
        if kind != MEASURED:
            values = random_values(self._seed, kind, index, _WARMUP_WORDS)
            return self._field({"prompt": " ".join(WORDS[value % len(WORDS)] for value in values)}, 0)
        return self._field(self._sample(index // self._turns), index % self._turns)

    def output_tokens(self, index: int) -> int | None:
        """What the sample itself asks for: as much as was recorded."""
        sample, turn = self._sample(index // self._turns), index % self._turns
        found = sample["turns"][turn][2] if self._turns > 1 else sample.get("output_tokens")
        return int(found) if found else None

    def _sample(self, number: int) -> dict[str, Any]:
        """Asked for twice in a row, for the prompt and for its length."""
        place = self._order[number % len(self._order)]
        if self._last[0] != place:
            begin, length = self._begins[2 * place], self._begins[2 * place + 1]
            self._last = place, json.loads(os.pread(self._file, length, begin))
        return self._last[1]

    def _field(self, sample: dict[str, Any], turn: int) -> bytes:
        if self._api is Api.CHAT:
            messages = sample.get("messages") or _history(sample, turn)
            return b'"messages":' + json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace")
        return b'"prompt":' + json.dumps(sample["prompt"], ensure_ascii=False).encode("utf-8", "replace")


def _history(sample: dict[str, Any], turn: int) -> list[dict[str, str]]:
    """What was said down to a turn's question."""
    if not turn:
        return [{"role": "user", "content": sample["prompt"]}]
    said = [text for asked, told, _ in sample["turns"][: turn + 1] for text in (asked, told)][:-1]
    return [{"role": "assistant" if number % 2 else "user", "content": text} for number, text in enumerate(said)]


def _beginnings(path: str, turns: int) -> array[int]:
    """Offset and length of each line with at least so many turns. Raises OSError."""
    found, offset = array("q"), 0
    with Path(path).open("rb") as file:
        for line in file:
            if turns <= _turns_of(line):
                found.extend((offset, len(line)))
            offset += len(line)
    return found


def _turns_of(line: bytes) -> int:
    if not line.startswith(_MARK):
        return 1
    return int(line[len(_MARK) : line.index(b",", len(_MARK))])
