"""Every sentence a person reads, by key, in English and Chinese.

A sentence is a Python format string. Two extensions: ``{count:|point|points}`` chooses by number, and a parameter that
is absent or None reads "–". A key that is missing reads as itself: tests find it, a person is not stopped by it.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from core.domain.finding import Finding
from core.domain.job import Reason
from core.errors import AppError
from render.words import ABSENT, Words

LANGUAGES = ("en", "zh")
LANGUAGE_NAMES = {"en": "English", "zh": "中文"}


class Texts(Words):
    """The sentences and formats of one language: ``t("page.run.title", count=3)``, ``t.error(error)``."""

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._sentences = sentences(self.language)
        units = {key.removeprefix("unit."): text for key, text in self._sentences.items() if key.startswith("unit.")}
        super().__init__(units, zone)

    def __call__(self, key: str, /, **params: object) -> str:
        """The sentence of ``key``, filled; the key itself where there is none."""
        sentence = self._sentences.get(key)
        return key if sentence is None else _FORMATTER.vformat(sentence, (), params)

    def has(self, key: str) -> bool:
        """Whether there is such a sentence."""
        return key in self._sentences

    def error(self, error: AppError) -> str:
        """What happened and what to do next, as plain text."""
        return self(self._told("error", "finding", error.code), **self._named(error.params))

    def reason(self, reason: Reason | None) -> str:
        """Why a job or deployment failed, as plain text."""
        if reason is None:
            return ABSENT
        return self(self._told("error", "finding", reason.code), **self._named(reason.params))

    def finding(self, finding: Finding) -> str:
        """One finding, as plain text."""
        return self(self._told("finding", "error", finding.code), **finding.params)

    def failure(self, kind: str) -> str:
        """How a request failed; ``http_429`` by its status. A kind without words reads as itself."""
        if kind.startswith("http_"):
            return self("failure.http", status=kind.removeprefix("http_"))
        return self(f"failure.{kind}") if self.has(f"failure.{kind}") else kind

    def _named(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is not there (``kind``) in the language's own word."""
        key = f"thing.{params.get('kind')}"
        return {**params, "kind": self(key)} if self.has(key) else params

    def _told(self, first: str, second: str, code: str) -> str:
        """A code's key: what can be refused beside a field can also fail a job, in the same words."""
        key = f"{first}.{code}"
        return key if key in self._sentences else f"{second}.{code}"


def best_language(wish: str | None) -> str:
    """The language we speak for a browser's locale or Accept-Language header; English where we do not speak it."""
    for part in (wish or "").replace(";", ",").split(","):
        language = part.strip().lower().replace("_", "-").split("-")[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


@cache
def sentences(language: str) -> Mapping[str, str]:
    """Every sentence of a language under its dotted key."""
    found: dict[str, str] = {}
    for file in sorted((Path(__file__).parent / language).glob("*.toml")):
        found.update(flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    return found


def placeholders(sentence: str) -> frozenset[str]:
    """The parameters a sentence names."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested tables as one, under dotted keys."""
    found: dict[str, str] = {}
    for key, value in table.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)})
    return found


class _Formatter(string.Formatter):
    """Fills a sentence without ever failing a person for a parameter."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return ABSENT
        if format_spec.startswith("|"):
            _, one, many = format_spec.split("|")
            return one if value == 1 else many
        try:
            text = str(format(value, format_spec))
        except ValueError:
            return str(value)
        return f"{text[:-1]} %" if format_spec.endswith("%") else text  # as Words.percent writes it


_FORMATTER = _Formatter()
