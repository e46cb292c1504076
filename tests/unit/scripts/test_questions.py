"""The questions that are shipped: enough of them, the same in both languages, and every answer right."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise

import pytest

from core.adapters.evaluation_files import EvaluationFiles
from core.domain.evaluation import DatasetKind
from scripts.questions.__main__ import EACH, FOLDER, files

SETS = {one.key: one for one in EvaluationFiles().shipped()}


def test_the_files_are_what_the_script_writes() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.jsonl")} == files()


@pytest.mark.parametrize(("key", "kind"), [("arithmetic", DatasetKind.NUMERIC), ("logic", DatasetKind.CHOICE)])
def test_sixty_different_ones_in_each_language(key: str, kind: DatasetKind) -> None:
    found = SETS[key]
    assert found.kind is kind and set(found.subsets) == {"en", "zh"}
    for language, questions in found.subsets.items():
        assert len({one.text for one in questions}) == EACH >= 60
        assert all(one.is_chinese is (language == "zh") for one in questions)
    assert [one.answer for one in found.subsets["en"]] == [one.answer for one in found.subsets["zh"]]
    assert [one.id for one in found.subsets["en"]] == [one.id for one in found.subsets["zh"]]


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+", text))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sum_is_reckoned_from_what_the_question_says(language: str) -> None:
    """Each step of a solution holds, works with numbers told or found before, and the last one is the answer."""
    for question in SETS["arithmetic"].subsets[language]:
        known = {*numbers(question.text), "1", "2", "3", "60", "100"}
        result = ""
        for step in question.solution.splitlines():
            left, result = step.split(" = ")
            assert eval(left, {"__builtins__": {}}) == int(result), (question.id, step)
            assert set(re.findall(r"\d+", left)) <= known, (question.id, step)
            known.add(result)
        assert result == question.answer
        assert int(question.answer) > 0


def test_both_languages_tell_the_same_numbers() -> None:
    """ "Three tests are 三次 in the other language; everything that is drawn is a figure in both."""
    for key in SETS:
        for english, chinese in zip(SETS[key].subsets["en"], SETS[key].subsets["zh"], strict=True):
            told, said = numbers(english.text), numbers(chinese.text)
            assert set(told - said) | set(said - told) <= {"3"}, english.id


def test_options_differ_and_no_letter_is_favoured() -> None:
    for questions in SETS["logic"].subsets.values():
        assert all(len(set(one.options)) == 4 for one in questions)
        letters = Counter(one.answer for one in questions)
        assert set(letters) == set("ABCD") and max(letters.values()) <= EACH // 3


def test_series_weekdays_and_queues_once_more_by_another_way() -> None:
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    checked = 0
    for question in SETS["logic"].subsets["en"]:
        right = question.options["ABCD".index(question.answer)]
        if match := re.match(r"Today is (\w+)\. .* in (\d+) days", question.text):
            assert right == days[(days.index(match[1]) + int(match[2])) % 7]
        elif match := re.match(r"In a queue Chen is number (\d+) .* number (\d+)", question.text):
            assert int(right) == int(match[1]) + int(match[2]) - 1
        elif match := re.match(r"In a code (\w+) is written (\w+): .* How is (\w+) written", question.text):
            by = ord(match[2][0]) - ord(match[1][0])
            assert right == "".join(chr((ord(letter) - 65 + by) % 26 + 65) for letter in match[3])
        elif match := re.match(r"Which number continues .*\? ([\d, ]+), …", question.text):
            shown = [int(number) for number in match[1].split(", ")]
            steps = [after - before for before, after in pairwise(shown)]
            doubled = shown[1] == 2 * shown[0] and shown[2] == 2 * shown[1]
            following = 2 * shown[-1] if doubled else shown[-1] + steps[-1] + (steps[-1] - steps[-2])
            assert int(right) == following, question.text
        else:
            continue
        checked += 1
    assert checked >= 20


def test_json_lines_are_whole() -> None:
    for path in FOLDER.glob("*.jsonl"):
        assert all(json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines())
