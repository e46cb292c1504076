"""Questions that are in this installation: shipped with the project, or brought by a person. A set is never changed; a
corrected one is its next version."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.evaluation import Dataset, DatasetKind, DatasetOrigin, Subset

LETTERS = "ABCDEFGHIJ"
_INSTRUCTION_CHARS = 200
"""How a question is to be answered is said beside it (core.formats.questions)."""

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Question:
    """One question. Choice: ``options`` in the order of their letters, ``answer`` a letter; numeric: ``answer`` a
    number as text, ``solution`` how it is found, where that is told."""

    id: str
    text: str
    answer: str
    options: tuple[str, ...] = ()
    solution: str = ""

    @property
    def is_chinese(self) -> bool:
        """Whether it is asked in Chinese, and so is to be answered."""
        return _CHINESE.search(self.text) is not None


@dataclass(frozen=True)
class QuestionSet:
    """Questions by subset. ``description`` is a person's own words."""

    key: str
    name: str
    kind: DatasetKind
    subsets: Mapping[str, tuple[Question, ...]]
    origin: DatasetOrigin = DatasetOrigin.OWN
    version: int = 1
    created_at: datetime | None = None
    created_by: str = ""
    description: str = ""

    @property
    def revision(self) -> str:
        """SHA-256 of every question, the same wherever it was uploaded."""
        digest = hashlib.sha256(self.kind.value.encode())
        for name, questions in sorted(self.subsets.items()):
            for one in questions:
                digest.update("\x1f".join((name, one.id, one.text, one.answer, *one.options)).encode() + b"\x1e")
        return digest.hexdigest()

    @property
    def count(self) -> int:
        """Questions in all."""
        return sum(len(questions) for questions in self.subsets.values())

    def dataset(self) -> Dataset:
        """Its entry in the list."""
        asked = [one for questions in self.subsets.values() for one in questions]
        lengths = [_INSTRUCTION_CHARS + len(one.text) + sum(map(len, one.options)) for one in asked]
        return Dataset(
            key=self.key,
            name=self.name,
            origin=self.origin,
            kind=self.kind,
            category="llm",
            subsets=tuple(Subset(name, len(questions)) for name, questions in self.subsets.items()),
            samples=self.count,
            metric="accuracy",
            prompt_chars=sum(lengths) / max(1, len(lengths)),
            longest_chars=max(lengths, default=0),
            languages=tuple(sorted({"zh" if one.is_chinese else "en" for one in asked})),
            version=self.version if self.origin is DatasetOrigin.OWN else None,
            revision=self.revision,
            description=self.description,
        )


@dataclass(frozen=True)
class RowProblem:
    """Why a row of an upload cannot be taken: a code of [finding] and its values. ``row`` counts from 1, heads apart;
    None where it is about the whole file."""

    row: int | None
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class UploadCheck:
    """What an upload holds. ``kind`` None: it cannot be told. The questions are those of the sound rows."""

    kind: DatasetKind | None
    questions: tuple[Question, ...]
    problems: tuple[RowProblem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether it can be kept: at least one question, and nothing wrong."""
        return bool(self.questions) and not self.problems and self.kind is not None
