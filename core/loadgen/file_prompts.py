"""Prompts out of a file of samples (core.formats.datasets), in an order drawn from the seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.domain.workload import Api
from core.loadgen.prompts import random_values
from core.loadgen.shape import MEASURED
from core.loadgen.words import WORDS

_WARMUP_WORDS = 64


class FilePrompts:
    """Each sample once before any comes again. Warm-ups are words of our own: none of the measured prompts."""

    def __init__(self, samples: list[dict[str, Any]], seed: int, api: Api) -> None:
        from random import Random  # imported where it is needed: it takes a while

        self._samples = samples
        self._order = list(range(len(samples)))
        Random(seed).shuffle(self._order)
        self._seed = seed
        self._api = api

    def field(self, kind: str, index: int) -> bytes:
        """``"prompt":"..."`` or ``"messages":[...]``."""
        if kind != MEASURED:
            values = random_values(self._seed, kind, index, _WARMUP_WORDS)
            return self._field({"prompt": " ".join(WORDS[value % len(WORDS)] for value in values)})
        return self._field(self._sample(index))

    def output_tokens(self, index: int) -> int | None:
        """What the sample itself asks for."""
        found = self._sample(index).get("output_tokens")
        return int(found) if found else None

    def _sample(self, index: int) -> dict[str, Any]:
        return self._samples[self._order[index % len(self._order)]]

    def _field(self, sample: dict[str, Any]) -> bytes:
        if self._api is Api.CHAT:
            messages = sample.get("messages") or [{"role": "user", "content": sample["prompt"]}]
            return b'"messages":' + json.dumps(messages, ensure_ascii=False).encode()
        return b'"prompt":' + json.dumps(sample["prompt"], ensure_ascii=False).encode()


def read_samples(path: str) -> list[dict[str, Any]]:
    """The samples of a kept file, one JSON object a line. Raises OSError, ValueError."""
    with Path(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
