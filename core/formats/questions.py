"""Questions in files: what a person uploads (CSV or JSON lines), what is shipped (JSON lines), and the folders that
EvalScope's ``general_mcq`` and ``gsm8k`` load. A folder without the README's ``configs`` is refused by ``datasets``."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.evaluation import DatasetKind
from core.domain.questions import LETTERS, Question, RowProblem, UploadCheck

LIMIT_BYTES = 20 * 1024 * 1024
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/[1-9]\d*)?%?")
_ANSWER_MARK = "####"
_LEAST_OPTIONS = 2
_NUMERIC = {
    True: "请一步一步推理，并将最终答案写在 \\boxed{} 中。",
    False: "Please reason step by step, and put your final answer within \\boxed{}.",
}
_CHOICE = {
    True: "回答下面的单项选择题。请先逐步思考，再作答；回答的最后一行必须写成“ANSWER: [LETTER]”（不含引号），"
    "其中 [LETTER] 是 {letters} 之一。",
    False: "Answer the following multiple choice question. Think step by step before answering; the last line of your "
    "response must read 'ANSWER: [LETTER]' (without quotes), where [LETTER] is one of {letters}.",
}

# ---------------------------------------------------------------- uploads


def read_upload(data: bytes, name: str) -> UploadCheck:
    """Every row looked at, the first of a file's problems first. Multiple choice where the first row has a column
    ``A``, numeric answers otherwise."""
    if len(data) > LIMIT_BYTES:
        return _refused("upload_too_large", limit_mib=LIMIT_BYTES // 1024 // 1024)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _refused("upload_not_utf8", position=error.start)
    try:
        is_json = _is_json(name, text)
        if not is_json and (twice := _twice(text)):
            return _refused("upload_column_twice", found=", ".join(twice))
        rows = list(_json_rows(text) if is_json else _csv_rows(text))
    except csv.Error as error:  # a cell beyond 131,072 characters: most often a quotation mark that never ends
        return _refused("upload_not_csv", detail=str(error))
    if not rows:
        return _refused("upload_empty")
    first = next((row for row in rows if isinstance(row, dict)), None)
    if first is None:
        return UploadCheck(None, (), tuple(row for row in rows if isinstance(row, RowProblem)))
    if not {"question", "answer"} <= set(first):
        return _refused("upload_columns", found=", ".join(map(str, first)) or "–")
    kind = DatasetKind.CHOICE if "A" in first else DatasetKind.NUMERIC
    return _checked(kind, rows)


def _refused(code: str, **params: str | int) -> UploadCheck:
    return UploadCheck(None, (), (RowProblem(None, code, params),))


def _is_json(name: str, text: str) -> bool:
    return name.lower().endswith((".jsonl", ".json", ".ndjson")) or text.lstrip().startswith("{")


def _json_rows(text: str) -> Iterator[Mapping[str, Any] | RowProblem]:
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield RowProblem(number, "upload_row_not_json", {"detail": str(error)[:120]})
            continue
        yield row if isinstance(row, dict) else RowProblem(number, "upload_row_not_json", {"detail": line[:40]})


def _csv_rows(text: str) -> Iterator[Mapping[str, Any] | RowProblem]:
    reader = _reader(text)
    names = _heads(reader)
    for number, cells in enumerate((cells for cells in reader if any(cell.strip() for cell in cells)), 1):
        if len(cells) > len(names):
            yield RowProblem(number, "upload_row_too_long", {"cells": len(cells), "columns": len(names)})
        else:
            yield dict(zip(names, cells, strict=False))


def _reader(text: str) -> Iterator[list[str]]:
    """Commas, semicolons or tabs, whichever the heads have most of."""
    heads = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=heads.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _heads(reader: Iterator[list[str]]) -> list[str]:
    return [name.strip() for name in next(reader, [])]


def _twice(text: str) -> list[str]:
    """Columns of one name: which of them is meant, nobody can tell."""
    names = _heads(_reader(text))
    return [name for name in dict.fromkeys(names) if name and names.count(name) > 1]


def _checked(kind: DatasetKind, rows: Sequence[Mapping[str, Any] | RowProblem]) -> UploadCheck:
    questions: list[Question] = []
    problems: list[RowProblem] = []
    seen: dict[str, int] = {}
    answers: dict[tuple[str, tuple[str, ...]], tuple[int, str]] = {}
    for number, row in enumerate(rows, 1):
        found = row if isinstance(row, RowProblem) else _question(kind, number, row)
        if isinstance(found, Question):
            first, answer = answers.setdefault((found.text, found.options), (number, found.answer))
            if found.id in seen:
                found = RowProblem(number, "upload_id_twice", {"id": found.id, "first": seen[found.id]})
            elif answer != found.answer:
                found = RowProblem(number, "upload_two_answers", {"first": first})
        if isinstance(found, RowProblem):
            problems.append(found)
        else:
            seen[found.id] = number
            questions.append(found)
    return UploadCheck(kind, tuple(questions), tuple(problems))


def _question(kind: DatasetKind, number: int, row: Mapping[str, Any]) -> Question | RowProblem:
    text, answer = _text(row.get("question")), _text(row.get("answer"))
    if not text:
        return RowProblem(number, "upload_no_question")
    if not answer:
        return RowProblem(number, "upload_no_answer")
    key = _text(row.get("id")) or str(number)
    if kind is DatasetKind.NUMERIC:
        return _numeric(number, key, text, answer)
    return _choice(number, key, text, answer.upper(), row)


def _numeric(number: int, key: str, text: str, answer: str) -> Question | RowProblem:
    """A number, or a solution that ends in ``#### number``, as GSM8K writes it."""
    solution, _, last = answer.rpartition(_ANSWER_MARK)
    value = last.strip()
    if not _NUMBER.fullmatch(value):
        return RowProblem(number, "upload_answer_not_number", {"value": value[:40]})
    return Question(key, text, value.replace(",", ""), solution=solution.strip())


def _choice(number: int, key: str, text: str, answer: str, row: Mapping[str, Any]) -> Question | RowProblem:
    """Options without a gap, all different, and one letter among them."""
    given = {letter: _text(row.get(letter)) for letter in LETTERS}
    used = [letter for letter in LETTERS if given[letter]]
    options = tuple(given[letter] for letter in used)
    if len(used) < _LEAST_OPTIONS or used != list(LETTERS[: len(used)]):
        return RowProblem(number, "upload_options_gap", {"found": ", ".join(used) or "–"})
    if len(set(options)) < len(options):
        return RowProblem(number, "upload_options_same")
    if answer not in used:
        return RowProblem(number, "upload_answer_not_letter", {"value": answer[:40], "letters": ", ".join(used)})
    return Question(key, text, answer, options)


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return str(value).strip()


# ---------------------------------------------------------------- EvalScope's folders


def folder_files(kind: DatasetKind, subsets: Mapping[str, Sequence[Question]]) -> dict[str, str]:
    """File names and texts of a folder that EvalScope loads. Each question carries, in its own language, how it is to
    be answered: EvalScope knows one prompt for a whole dataset."""
    if kind is DatasetKind.CHOICE:
        return {f"{name}_val.jsonl": _lines(map(_choice_row, questions)) for name, questions in subsets.items()}
    files = {f"{name}.jsonl": _lines(map(_numeric_row, questions)) for name, questions in subsets.items()}
    return {"README.md": _readme(list(subsets)), **files}


def _readme(names: Sequence[str]) -> str:
    lines = ["---", "configs:"]
    for name in names:
        path = json.dumps(f"{name}.jsonl")
        lines += [f"- config_name: {json.dumps(name)}", "  data_files:", "  - split: test", f"    path: {path}"]
    return "\n".join([*lines, "---", ""])


def _numeric_row(question: Question) -> dict[str, str]:
    text = f"{question.text}\n{_NUMERIC[question.is_chinese]}"
    return {"id": question.id, "question": text, "answer": f"{question.solution}\n{_ANSWER_MARK} {question.answer}"}


def _choice_row(question: Question) -> dict[str, str]:
    letters = LETTERS[: len(question.options)]
    asked = _CHOICE[question.is_chinese].replace("{letters}", ",".join(letters))
    options = dict(zip(letters, question.options, strict=True))
    return {"id": question.id, "question": f"{asked}\n\n{question.text}", **options, "answer": question.answer}


def _lines(rows: Iterator[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
