"""Writes catalog/evaluations/questions: 60 arithmetic and 60 logic questions, each in English and in Chinese.

    python -m scripts.questions

The values are drawn with a fixed seed, so that every run writes the same files; every answer is computed, and a logic
question is kept only where exactly one of its options is right (tests/unit/scripts/test_questions.py)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from scripts.questions.arithmetic import ARITHMETIC
from scripts.questions.logic import LOGIC
from scripts.questions.question import Draw, Question

FOLDER = Path(__file__).resolve().parents[2] / "catalog" / "evaluations" / "questions"
EACH = 60
LETTERS = "ABCD"


def questions(makers: tuple[Callable[[Draw], Question], ...], seed: int) -> list[Question]:
    """Sixty different ones, the makers in turn."""
    draw, found, seen = random.Random(seed), [], set()
    while len(found) < EACH:
        question = makers[len(found) % len(makers)](draw)
        distinct = len({text for text, _ in question.options}) == len(question.options)
        if question.en not in seen and distinct:
            seen.add(question.en)
            found.append(question)
    return found


def arithmetic_line(question: Question, language: str, number: int) -> dict[str, str]:
    """As GSM8K writes it: the solution, then the answer after four hashes."""
    steps = "\n".join(step.replace("=", " = ") for step in question.solution)
    text = question.en if language == "en" else question.zh
    return {"id": f"arithmetic-{number:02}", "question": text, "answer": f"{steps}\n#### {question.answer}"}


def logic_line(question: Question, language: str, number: int) -> dict[str, str]:
    """As EvalScope's general multiple choice reads it."""
    side = 0 if language == "en" else 1
    text = question.en if language == "en" else question.zh
    options = {letter: option[side] for letter, option in zip(LETTERS, question.options, strict=True)}
    return {"id": f"logic-{number:02}", "question": text, **options, "answer": LETTERS[question.right]}


def files() -> dict[str, str]:
    """Every file's name and text."""
    sums, puzzles = questions(ARITHMETIC, 20_26), questions(LOGIC, 11_25)
    made: dict[str, str] = {}
    for language in ("en", "zh"):
        made[f"arithmetic.{language}.jsonl"] = _lines(
            [arithmetic_line(question, language, number + 1) for number, question in enumerate(sums)]
        )
        made[f"logic.{language}.jsonl"] = _lines(
            [logic_line(question, language, number + 1) for number, question in enumerate(puzzles)]
        )
    return made


def _lines(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main() -> None:
    """Writes them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
