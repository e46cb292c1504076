"""Questions that the simulated model knows."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from core.adapters.evaluation_files import EvaluationFiles
from core.domain.questions import Question
from core.formats.questions import folder_files
from simulator.known import Fate, Known, Shares, find, questions, words

SETS = EvaluationFiles().shipped()
ALL = [(one.kind, question) for one in SETS for asked in one.subsets.values() for question in asked]


def fates(shares: Shares) -> Counter[Fate]:
    return Counter(shares.fate(Known(place, "1", ())) for place in range(60))


def test_it_knows_every_shipped_question_as_it_is_asked() -> None:
    assert len(questions()) == len(ALL) == 240
    for kind, question in ALL:
        files = folder_files(kind, {"x": (question,)})
        (line,) = [text for name, text in files.items() if name.endswith(".jsonl")]
        known = find(json.loads(line)["question"])
        assert known is not None and known.answer == question.answer


def test_the_shares_are_exact() -> None:
    assert fates(Shares()) == {Fate.RIGHT: 45, Fate.WRONG: 15}
    found = fates(Shares(right=0.5, truncated=0.1, overflow=0.2))
    assert (found[Fate.OVERFLOW], found[Fate.TRUNCATED] + found[Fate.OVERFLOW]) == (12, 12)
    assert fates(Shares(truncated=1.0)) == {Fate.TRUNCATED: 60}
    assert fates(Shares(empty=1.0)) == {Fate.EMPTY: 60}


def test_right_and_wrong_answers_differ() -> None:
    for _, question in ALL:
        known = questions()[question.text]
        right, wrong = "".join(words(known, Fate.RIGHT)), "".join(words(known, Fate.WRONG))
        assert right != wrong and _is_right(question, right) and not _is_right(question, wrong)


def _is_right(question: Question, said: str) -> bool:
    return said.endswith(f"ANSWER: {question.answer}" if question.options else f"\\boxed{{{question.answer}}}")


@pytest.mark.parametrize("prompt", ["", "What is 2 + 2?", "ANSWER: anything", ALL[0][1].text])
def test_other_prompts_are_not_known(prompt: str) -> None:
    assert find(prompt) is None


def test_of_several_the_last_is_asked() -> None:
    first, second = ALL[0][1], ALL[1][1]
    known = find(f"{first.text} \\boxed{{1}}\n\n{second.text} \\boxed{{}}")
    assert known == questions()[second.text]
