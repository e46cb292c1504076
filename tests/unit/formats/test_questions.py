"""Uploads, row by row, and the folders that EvalScope loads."""

from __future__ import annotations

import json

import pytest
import yaml

from core.domain.evaluation import DatasetKind
from core.domain.questions import Question
from core.formats.questions import LIMIT_BYTES, folder_files, read_upload

CHOICE = "id,question,A,B,C,answer\nq1,Which?,x,y,,b\nq2,哪一个？,甲,乙,丙,C\n"


def problems(text: str | bytes, name: str = "x.csv") -> list[tuple[int | None, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(problem.row, problem.code) for problem in read_upload(data, name).problems]


def test_multiple_choice_from_csv() -> None:
    found = read_upload(CHOICE.encode("utf-8-sig"), "own.csv")
    assert found.is_sound and found.kind is DatasetKind.CHOICE
    assert found.questions[0] == Question("q1", "Which?", "B", ("x", "y"))
    assert found.questions[1].is_chinese


def test_numbers_from_json_lines() -> None:
    lines = [
        {"question": "12 × 7?", "answer": 84},
        {"question": "Half?", "answer": "0.5"},
        {"question": "Many?", "answer": "1,234"},
        {"question": "12 × 7?", "answer": "12*7 = 84\n#### 84"},
    ]
    found = read_upload("\n".join(map(json.dumps, lines)).encode(), "own.jsonl")
    assert found.is_sound and found.kind is DatasetKind.NUMERIC
    assert [(one.id, one.answer) for one in found.questions] == [("1", "84"), ("2", "0.5"), ("3", "1234"), ("4", "84")]
    assert found.questions[3].solution == "12*7 = 84"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_separators_and_quoted_breaks(delimiter: str) -> None:
    text = f'question{delimiter}answer\n"Two\nlines, and a comma"{delimiter}4\n'
    (only,) = read_upload(text.encode(), "x.csv").questions
    assert only.text == "Two\nlines, and a comma"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(None, "upload_empty")]),
        ("question,answer\n", [(None, "upload_empty")]),
        ("frage,antwort\na,1\n", [(None, "upload_columns")]),
        (b"question,answer\n\xff,1\n", [(None, "upload_not_utf8")]),
        ("question,answer\n,1\nb,\nc,two\n", [(1, "upload_no_question"), (2, "upload_no_answer")]),
        ("id,question,answer\n7,a,1\n7,b,2\n", [(2, "upload_id_twice")]),
        ("question,A,B,answer\na,x,y,C\n", [(1, "upload_answer_not_letter")]),
        ("question,A,B,answer\na,x,x,A\n", [(1, "upload_options_same")]),
        ("question,A,B,C,answer\na,x,,z,A\n", [(1, "upload_options_gap")]),
        ("question,A,answer\na,x,A\n", [(1, "upload_options_gap")]),
        ("question,answer\na,1,2,3\n", [(1, "upload_row_too_long")]),
        ("question,answer,answer\na,1,2\n", [(None, "upload_column_twice")]),
        ("question,answer\na,1\na,1\na,2\n", [(3, "upload_two_answers")]),
        ('question,answer\n"' + 150_000 * "x", [(None, "upload_not_csv")]),
    ],
)
def test_every_row_that_cannot_be_taken_says_why(text: str | bytes, expected: list[tuple[int | None, str]]) -> None:
    assert problems(text)[: len(expected)] == expected


def test_broken_json_names_its_row() -> None:
    text = '{"question": "a", "answer": 1}\n{"question": \n[1]\n'
    assert problems(text, "x.jsonl") == [(2, "upload_row_not_json"), (3, "upload_row_not_json")]
    assert problems("[" * 100_000, "x.jsonl") == [(1, "upload_row_not_json")]


def test_a_file_beyond_the_limit_is_not_read() -> None:
    assert problems(b"x" * (LIMIT_BYTES + 1)) == [(None, "upload_too_large")]


def test_an_ambiguous_answer_is_refused() -> None:
    assert problems("question,answer\nHow many?,3 or 4\n") == [(1, "upload_answer_not_number")]


def test_a_folder_of_choices_tells_in_each_language_how_to_answer() -> None:
    questions = read_upload(CHOICE.encode(), "x.csv").questions
    (text,) = folder_files(DatasetKind.CHOICE, {"all": questions}).values()
    first, second = map(json.loads, text.splitlines())
    assert first["question"].endswith("\n\nWhich?") and "one of A,B." in first["question"]
    assert "A,B,C 之一" in second["question"] and second["C"] == "丙"
    assert (first["answer"], "C" in first) == ("B", False)


def test_a_folder_of_numbers_names_its_parts() -> None:
    question = Question("1", "12 × 7?", "84", solution="12*7 = 84")
    files = folder_files(DatasetKind.NUMERIC, {"en": (question,), "zh": (question,)})
    (head, _) = files["README.md"].removeprefix("---\n").split("---")
    configs = {one["config_name"]: one["data_files"][0]["path"] for one in yaml.safe_load(head)["configs"]}
    assert configs == {"en": "en.jsonl", "zh": "zh.jsonl"} and set(configs.values()) < set(files)
    row = json.loads(files["en.jsonl"])
    assert row["answer"] == "12*7 = 84\n#### 84" and "\\boxed{}" in row["question"]
