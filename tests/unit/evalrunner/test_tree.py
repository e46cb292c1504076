"""EvalScope's tree after a kill."""

from __future__ import annotations

import json
from pathlib import Path

from core.evalrunner import tree


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_half_lines_go_and_reviews_get_their_name(tmp_path: Path) -> None:
    answers = write(tmp_path / "predictions/m/gsm8k_en.jsonl", '{"index": 0}\n{"index": 1}\n{"ind')
    write(tmp_path / "reviews/m/gsm8k_en.jsonl.rerun-9f2c", '{"index": 0}\n{"in')
    tree.mend(tmp_path)
    assert answers.read_text() == '{"index": 0}\n{"index": 1}\n'
    assert tree.predictions(tmp_path) == (answers,)
    assert tree.review_of(answers).read_text() == '{"index": 0}\n'
    tree.mend(tmp_path)
    assert [path.name for path in (tmp_path / "reviews/m").iterdir()] == ["gsm8k_en.jsonl"]


def test_finished_reviews_win_over_left_overs(tmp_path: Path) -> None:
    kept = write(tmp_path / "reviews/m/gsm8k_en.jsonl", '{"index": 7}\n')
    write(tmp_path / "reviews/m/gsm8k_en.jsonl.rerun-1", '{"index": 8}\n')
    tree.mend(tmp_path)
    assert kept.read_text() == '{"index": 7}\n' and list(kept.parent.iterdir()) == [kept]


def test_what_a_judge_failed_to_score_is_scored_anew(tmp_path: Path) -> None:
    def review(index: int, status: str) -> str:
        return json.dumps({"index": index, "sample_score": {"score": {"status": status}}}) + "\n"

    lines = [review(0, "success"), review(1, "transport_error"), review(2, "fallback"), review(3, "parse_error")]
    path = write(tmp_path / "reviews/m/simple_qa_default.jsonl", "".join(lines))
    tree.forget_failed_reviews(tmp_path)
    assert path.read_text() == lines[0] + lines[2]
    assert list(path.parent.iterdir()) == [path]


def test_a_line_that_never_ended_leaves_an_empty_file(tmp_path: Path) -> None:
    answers = write(tmp_path / "predictions/m/gsm8k_en.jsonl", '{"index"')
    tree.mend(tmp_path)
    assert answers.read_text() == ""


def test_nothing_is_there_before_the_first_go(tmp_path: Path) -> None:
    tree.mend(tmp_path)
    assert not tree.has_begun(tmp_path)
    assert (tree.predictions(tmp_path), tree.report(tmp_path, "gsm8k")) == ((), None)
    write(tmp_path / "configs/task_config.yaml", "model: m\n")
    assert tree.has_begun(tmp_path)
