"""What the project ships for evaluations: the list of EvalScope's benchmarks, presets, and its own questions."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from core.adapters.catalog_files import OWN_FOLDER
from core.domain.evaluation import Dataset, DatasetOrigin, EvaluationPreset, SamplingPreset
from core.domain.questions import QuestionSet
from core.formats.evaluations_yaml import read_datasets, read_presets
from core.formats.questions import read_upload

_FOLDER = OWN_FOLDER / "evaluations"
_SHIPPED = {"arithmetic": "Seatrial arithmetic", "logic": "Seatrial logic"}
_LANGUAGES = ("en", "zh")


class EvaluationFiles:
    """Read once: they are part of the program, and a test reads them all."""

    def datasets(self) -> tuple[Dataset, ...]:
        """EvalScope's, by name."""
        return _datasets()

    def shipped(self) -> tuple[QuestionSet, ...]:
        """The project's own."""
        return _shipped()

    def presets(self) -> tuple[EvaluationPreset, ...]:
        """Evaluations to start from."""
        return _presets()[0]

    def sampling(self) -> tuple[SamplingPreset, ...]:
        """How vendors sample, the general one last."""
        return _presets()[1]

    def has_sandbox(self) -> bool:
        """Whether the package that runs code in containers is installed; whether an engine answers is not asked."""
        return _has_module("ms_enclave")


@cache
def _datasets() -> tuple[Dataset, ...]:
    return read_datasets((_FOLDER / "datasets.json").read_text(encoding="utf-8"), _has_module)


@cache
def _presets() -> tuple[tuple[EvaluationPreset, ...], tuple[SamplingPreset, ...]]:
    return read_presets((_FOLDER / "presets.yaml").read_text(encoding="utf-8"))


@cache
def _shipped() -> tuple[QuestionSet, ...]:
    return tuple(_question_set(key, name) for key, name in _SHIPPED.items())


def _question_set(key: str, name: str) -> QuestionSet:
    """One subset a language."""
    files = {language: f"{key}.{language}.jsonl" for language in _LANGUAGES}
    checks = {
        language: read_upload((_FOLDER / "questions" / file).read_bytes(), file) for language, file in files.items()
    }
    kind = next(iter(checks.values())).kind
    assert kind is not None
    return QuestionSet(
        key, name, kind, {name: check.questions for name, check in checks.items()}, DatasetOrigin.SHIPPED
    )


def _has_module(name: str) -> bool:
    """Without importing it."""
    return find_spec(name.partition(".")[0]) is not None
