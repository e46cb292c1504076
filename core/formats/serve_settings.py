"""``vllm serve``'s arguments as settings with names, and back: what a form has fields for, and the rest as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.endpoint import Task
from core.domain.serving import MTP_CONFIG
from core.formats.vllm_serve import flag_values, split_flags

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([kKmMgG]?)")
_SCALES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "K": 1024, "M": 1024**2, "G": 1024**3}
_NUMBERS = {
    "--tensor-parallel-size": "tp",
    "-tp": "tp",
    "--pipeline-parallel-size": "pp",
    "-pp": "pp",
    "--max-model-len": "max_model_len",
}
_SWITCHES = {"--trust-remote-code": "trust_remote_code", "--enforce-eager": "enforce_eager"}
_SPECULATIVE = {"--speculative-config", "-sc"}


@dataclass(frozen=True)
class ServeSettings:
    """None and False: not said, vLLM's own default. ``mtp`` is the vendor's setting of one speculative token; any other
    speculation stays among ``extra``."""

    tp: int | None = None
    pp: int | None = None
    max_model_len: int | None = None
    trust_remote_code: bool = False
    enforce_eager: bool = False
    reasoning_parser: str | None = None
    mtp: bool = False
    extra: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        """In the order of the vendor's guide."""
        return tuple(self._words())

    def _words(self) -> Iterator[str]:
        if self.trust_remote_code:
            yield "--trust-remote-code"
        for flag, value in (("--tensor-parallel-size", self.tp), ("--pipeline-parallel-size", self.pp)):
            if value is not None:
                yield from (flag, str(value))
        if self.max_model_len is not None:
            yield from ("--max-model-len", str(self.max_model_len))
        if self.enforce_eager:
            yield "--enforce-eager"
        if self.reasoning_parser:
            yield from ("--reasoning-parser", self.reasoning_parser)
        if self.mtp:
            yield from ("--speculative-config", MTP_CONFIG)
        yield from self.extra


def read_settings(args: Sequence[str]) -> ServeSettings:
    """What the arguments set; of a flag that is given twice the last counts, as vLLM has it."""
    found: dict[str, int | str | bool] = {}
    extra: list[str] = []
    for words in split_flags(args):
        flag, values = _parts(words)
        setting = _setting(flag, values)
        if setting is None:
            extra += words
        else:
            found.update(setting)
    return ServeSettings(**found, extra=tuple(extra))  # type: ignore[arg-type]


def _parts(words: Sequence[str]) -> tuple[str, list[str]]:
    flag, equals, value = words[0].partition("=")
    name = flag.replace("_", "-") if flag.startswith("-") else flag
    return name, [value] if equals else list(words[1:])


def _setting(flag: str, values: list[str]) -> dict[str, int | str | bool] | None:
    """None: there is no field for it."""
    if flag in _SWITCHES and not values:
        return {_SWITCHES[flag]: True}
    if len(values) != 1:
        return None
    if flag in _NUMBERS:
        number = token_count(values[0])
        return None if number is None else {_NUMBERS[flag]: number}
    if flag == "--reasoning-parser":
        return {"reasoning_parser": values[0]}
    return {"mtp": True} if flag in _SPECULATIVE and _is_mtp(values[0]) else None


def _is_mtp(value: str) -> bool:
    try:
        return bool(json.loads(value) == json.loads(MTP_CONFIG))
    except ValueError:
        return False


def token_count(text: str) -> int | None:
    """A whole number as vLLM reads one: ``32k`` is 32000, ``32K`` is 32768. None where it is none."""
    match = _NUMBER.fullmatch(text.strip())
    return int(float(match[1]) * _SCALES[match[2]]) if match else None


_TASKS = {"generate": Task.GENERATE, "embed": Task.EMBED, "embedding": Task.EMBED, "score": Task.SCORE}


def promised_tasks(args: Sequence[str]) -> tuple[Task, ...]:
    """What the arguments make of the model (``--task`` until vLLM 0.10, ``--runner`` and ``--convert`` since); none:
    vLLM decides by the model."""
    told = dict(flag_values(args))
    words = (told.get(flag) for flag in ("--convert", "--task", "--runner"))
    found = next((_TASKS[word] for word in words if word in _TASKS), None)
    return (found,) if found else ()


def speculates(settings: ServeSettings) -> bool:
    """Whether multi-token prediction is on in any spelling, as far as the arguments tell: as one JSON value, or as
    ``--speculative-config.method``."""
    said = map(" ".join, split_flags(settings.extra))
    return settings.mtp or any("mtp" in words and "method" in words for words in said)
