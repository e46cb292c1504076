"""From an output folder to scores, samples, comparisons and boards, through a real database."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.evalscope_folder import EvalScopeFolders
from core.adapters.evaluation_files import EvaluationFiles
from core.adapters.reference_files import load_references
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.accuracy_statistics import Verdict
from core.domain.benchmark import RunKind, RunState
from core.domain.evaluation_reading import SampleFilter, Show
from core.domain.evaluation_scores import Ending
from core.errors import BadInput, NotAllowed, NotFoundError
from core.services.evaluation_import import UNKNOWN_URL, EvaluationImport
from core.services.evaluation_results import EvaluationResultService
from core.services.jobs import JobService
from core.services.leaderboards import LeaderboardService
from render.board_report import board_report
from render.texts import LANGUAGES, Texts
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.evalscope_tree import REFUSAL, Answers, write_tree
from tests.fakes.fresh_database import fresh_store

GSM8K = {"gsm8k": {"main": Answers(60, 45, truncated=5, overflow=4, no_answer=3)}}


@pytest.fixture
def store(tmp_path: Path) -> DatabaseStore:
    return fresh_store(tmp_path / "db")


@pytest.fixture
def taking(store: DatabaseStore) -> EvaluationImport:
    return EvaluationImport(store, EvalScopeFolders(), FakeClock(), "0.1.0")


@pytest.fixture
def results(store: DatabaseStore) -> EvaluationResultService:
    return EvaluationResultService(store, _NoJobs())


@pytest.fixture
def boards(store: DatabaseStore) -> LeaderboardService:
    return LeaderboardService(store, load_references)


class _NoJobs(JobService):
    """Imported evaluations have none."""

    def __init__(self) -> None:
        pass


def take(taking: EvaluationImport, folder: Path, label: str = "") -> str:
    return taking.import_folder(LOCAL_OPERATOR, folder, label)[0].run_id


# ---------------------------------------------------------------- taking in


def test_every_sample_is_counted_as_it_ended(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    run_id = take(taking, write_tree(tmp_path / "out", "m", GSM8K), "W8A8")
    found = results.evaluation(run_id)
    assert (found.run.model, found.run.version_label, found.run.state) == ("m", "W8A8", RunState.COMPLETE)
    assert (found.run.kind, found.run.workload_label, found.is_imported) == (RunKind.EVALUATION, "gsm8k", True)
    lead = found.datasets[0].lead
    assert (lead.score, lead.n, lead.requested) == (0.75, 60, 60)
    assert (lead.truncated, lead.overflow, lead.no_answer, lead.errored, lead.unscored) == (5, 4, 3, 0, 0)
    (tally,) = found.tallies
    assert (tally.right, tally.wrong, tally.truncated, tally.overflow, tally.no_answer) == (45, 3, 5, 4, 3)
    assert found.healths[0].best_score == pytest.approx(57 / 60)


def test_a_folder_given_again_adds_nothing_and_a_grown_one_what_is_new(
    taking: EvaluationImport, store: DatabaseStore, tmp_path: Path
) -> None:
    write_tree(tmp_path / "out" / "1", "m", GSM8K)
    first = taking.import_folder(LOCAL_OPERATOR, tmp_path)
    write_tree(tmp_path / "out" / "2", "m", {"gsm8k": {"main": Answers(60, 44)}})
    again = taking.import_folder(LOCAL_OPERATOR, tmp_path)
    assert [one.is_new for one in first] == [True]
    assert sorted(one.is_new for one in again) == [False, True]
    assert store.runs.page(0, 9).total == 2
    assert store.endpoints.list() == ()  # what was asked elsewhere is not offered here


def test_an_import_that_was_cut_off_is_completed(
    taking: EvaluationImport, store: DatabaseStore, results: EvaluationResultService, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "out", "m", GSM8K)

    class Cut(EvalScopeFolders):
        def samples(self, found, dataset):  # type: ignore[no-untyped-def]
            yield from list(super().samples(found, dataset))[:10]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EvaluationImport(store, Cut(), FakeClock(), "0.1.0").import_folder(LOCAL_OPERATOR, folder)
    assert store.evaluations.standings().versions == {}
    run_id = take(taking, folder)
    assert results.evaluation(run_id).datasets[0].lead.n == 60
    assert results.samples(run_id, SampleFilter()).total == 60


def test_failed_requests_make_it_partial(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path, "m", {"gsm8k": {"main": Answers(60, 30, errored=20)}})
    found = results.evaluation(take(taking, folder))
    lead = found.datasets[0].lead
    assert (found.run.state, lead.is_partial) == (RunState.PARTIAL, True)
    assert (lead.score, lead.n, lead.errored, lead.unscored) == (0.75, 40, 20, 0)
    (whole,) = found.wholes
    assert (whole.right, whole.wrong, whole.errored, whole.total) == (30, 10, 20, 60)


def test_predictions_without_a_report_are_kept_unscored(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path, "m", GSM8K)
    for part in ("reports", "reviews"):
        for path in sorted((folder / part).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    found = results.evaluation(take(taking, folder))
    lead = found.datasets[0].lead
    assert (found.run.state, lead.score, lead.unscored) == (RunState.PARTIAL, None, 60)


def test_half_lines_and_strange_files_do_no_harm(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path, "m", GSM8K)
    predictions = folder / "predictions" / "m" / "gsm8k_main.jsonl"
    with predictions.open("ab") as file:
        file.write('{"index": 99, "model_output": {"choices": [{"message": {"content": "答'.encode()[:-1])
    (folder / "predictions" / "m" / "gsm8k_main.jsonl.rerun-1a2b").write_text("left over")
    (folder / "reports" / "m" / "notes.json").write_text("[]")
    found = results.evaluation(take(taking, folder))
    assert found.datasets[0].lead.n == 60


def test_names_that_begin_alike_are_told_apart(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    sets = {"mmlu": {"math": Answers(10, 5)}, "mmlu_pro": {"math": Answers(10, 9)}}
    found = results.evaluation(take(taking, write_tree(tmp_path, "m", sets)))
    assert [(one.dataset, one.lead.score, one.lead.n) for one in found.datasets] == [
        ("mmlu", 0.5, 10),
        ("mmlu_pro", 0.9, 10),
    ]
    assert [(tally.dataset, tally.subset) for tally in found.tallies] == [("mmlu", "math"), ("mmlu_pro", "math")]


def test_reports_of_the_1_x_line_before_and_of_0_x(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    report = {
        "name": "m@gsm8k",
        "dataset_name": "gsm8k",
        "dataset_pretty_name": "GSM8K",
        "model_name": "m",
        "score": 0.5,
        "metrics": [
            {
                "name": "mean_acc",
                "num": 4,
                "score": 0.5,
                "macro_score": 0.5,
                "categories": [
                    {"name": ["default"], "num": 4, "score": 0.5, "subsets": [{"name": "main", "score": 0.5, "num": 4}]}
                ],
            }
        ],
    }
    (tmp_path / "reports" / "m").mkdir(parents=True)
    (tmp_path / "reports" / "m" / "gsm8k.json").write_text(json.dumps(report))
    reviews = tmp_path / "reviews" / "m"
    reviews.mkdir(parents=True)
    lines = [
        {
            "choices": [
                {
                    "message": {"role": "assistant", "content": REFUSAL if i == 3 else f"<think>hm</think>{i}"},
                    "review": {"gold": "1", "pred": str(i), "result": i < 2},
                }
            ],
            "raw_input": {"question": f"What is {i}?"},
        }
        for i in range(4)
    ]
    (reviews / "gsm8k_main.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run_id = take(taking, tmp_path)
    found = results.evaluation(run_id)
    lead = found.datasets[0].lead
    assert (lead.metric, lead.score, lead.n, lead.overflow) == ("accuracy", 0.5, 4, 1)
    sample = results.sample(run_id, "gsm8k", 0).sample
    assert (sample.answer, sample.reasoning, sample.extracted, sample.score) == ("0", "hm", "0", 1.0)
    assert found.run.provenance["endpoint"]["base_url"] == UNKNOWN_URL


def test_what_is_no_output_is_refused(taking: EvaluationImport, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="folder_missing"):
        taking.import_folder(LOCAL_OPERATOR, tmp_path / "nowhere")
    (tmp_path / "reports").mkdir()
    with pytest.raises(BadInput, match="folder_not_evalscope"):
        taking.import_folder(LOCAL_OPERATOR, tmp_path)
    with pytest.raises(NotAllowed):
        taking.import_folder(Actor("eve", Role.VIEWER), tmp_path)


# ---------------------------------------------------------------- samples


def test_samples_by_how_they_ended(taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path) -> None:
    sets = {"gsm8k": {"a": Answers(30, 20, truncated=4), "b": Answers(30, 25, no_answer=2)}}
    run_id = take(taking, write_tree(tmp_path, "m", sets))
    shown = {show: results.samples(run_id, SampleFilter(show=show)).total for show in Show}
    assert (shown[Show.ALL], shown[Show.WRONG], shown[Show.TRUNCATED], shown[Show.NO_ANSWER]) == (60, 15, 4, 2)
    page = results.samples(run_id, SampleFilter(subset="b", text="what IS"), 25, 10)
    assert (page.total, len(page.rows), page.rows[0].subset) == (30, 5, "b")
    assert page.rows[0].question.startswith("[b ")  # the instruction that all share is not repeated
    assert results.samples(run_id, SampleFilter(text="100% wrong")).total == 0


def test_one_sample_whole(taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path) -> None:
    run_id = take(taking, write_tree(tmp_path, "m", {"gsm8k": {"main": Answers(3, 0, overflow=3)}}))
    found = results.sample(run_id, "gsm8k", 1)
    assert (found.ending, found.sample.answer, found.sample.extracted) == (Ending.OVERFLOW, REFUSAL, None)
    for dataset, number in (("gsm8k", 3), ("other", 0)):
        with pytest.raises(NotFoundError):
            results.sample(run_id, dataset, number)
    with pytest.raises(NotFoundError):
        results.evaluation("run-of-none")


# ---------------------------------------------------------------- two, and all


def test_two_evaluations_question_by_question(
    taking: EvaluationImport, results: EvaluationResultService, tmp_path: Path
) -> None:
    sets = {"gsm8k": {"main": Answers(200, 180)}, "aime24": {"default": Answers(30, 20)}}
    before = take(taking, write_tree(tmp_path / "1", "m", sets, seed=1), "old")
    worse = {"gsm8k": {"main": Answers(200, 120, truncated=40)}}
    after = take(taking, write_tree(tmp_path / "2", "m", worse, seed=2), "new")
    found = results.compare(before, after)
    (pair,) = found.datasets
    assert (pair.pairs, pair.before, pair.after, pair.verdict) == (200, 0.9, 0.6, Verdict.WORSE)
    assert (pair.lost - pair.won, found.only_before, found.only_after) == (60, ("aime24",), ())
    assert pair.p_value is not None
    assert pair.p_value < 1e-6
    rows = results.flips(found, "gsm8k", pair.flips[:10])
    assert {row.before.question for row in rows} == {row.after.question for row in rows}
    assert {(row.before.score, row.after.score) for row in rows} == {(1.0, 0.0)}


def test_a_board_shows_the_newest_of_every_version(
    taking: EvaluationImport, store: DatabaseStore, boards: LeaderboardService, tmp_path: Path
) -> None:
    for number, (model, label, right) in enumerate([("a", "x", 90), ("a", "x", 95), ("a", "y", 60), ("b", "", 93)]):
        folder = write_tree(tmp_path / str(number), model, {"gsm8k": {"main": Answers(100, right)}}, seed=number)
        for path in folder.rglob("*"):
            os.utime(path, (1_700_000_000 + number * 1000,) * 2)
        take(taking, folder, label)
    write_tree(tmp_path / "9", "c", {"gsm8k": {"main": Answers(100, 99)}}, limit=100)
    take(taking, tmp_path / "9")
    found = boards.page()
    assert found is not None
    board = found.board
    told = [(row.lead.model, row.lead.version_label, row.lead.score, row.rank) for row in board.rows]
    assert told == [("a", "x", 0.95, 1), ("b", "", 0.93, 1), ("a", "y", 0.6, 3)]
    assert [head.versions for head in found.heads] == [3, 1]
    assert [row.score for row in boards.history("a", board.key)] == [0.9, 0.95, 0.6]
    first = board.rows[-1].lead.run_id
    kept = boards.board(board.key, 0.02, (first,))
    assert kept is not None
    assert [(row.lead.run_id, row.rank) for row in kept.rows] == [(first, 1)], "files of a kept view hold no later run"
    store.runs.archive([board.rows[0].lead.run_id], FakeClock().now())
    again = boards.board(board.key)
    assert again is not None
    assert [(row.lead.version_label, row.lead.score) for row in again.rows if row.lead.model == "a"] == [
        ("x", 0.9),
        ("y", 0.6),
    ]


def test_standings_are_read_anew_only_after_what_they_show(
    taking: EvaluationImport, store: DatabaseStore, boards: LeaderboardService, tmp_path: Path
) -> None:
    run_id = take(taking, write_tree(tmp_path / "1", "a", {"gsm8k": {"main": Answers(10, 9)}}))
    seen = [boards.page()]

    def is_read_anew() -> bool:
        seen.append(boards.page())
        return seen[-1].board is not seen[-2].board  # type: ignore[union-attr]

    store.preferences.set("theme", "dark")
    store.runs.set_note(run_id, "mine")
    store.runs.add(samples.run(endpoint_id=store.runs.head(run_id).endpoint_id))
    store.runs.save_measurement("run-1", samples.measurement())
    assert not is_read_anew()
    store.runs.merge_provenance(run_id, {"host": {"platform": "other"}})
    assert is_read_anew()
    store.runs.set_state(run_id, RunState.PARTIAL)
    assert is_read_anew() and seen[-1] is not None
    assert seen[-1].board.rows[0].lead.state is RunState.PARTIAL
    take(taking, write_tree(tmp_path / "2", "b", {"gsm8k": {"main": Answers(10, 8)}}))
    assert is_read_anew() and len(seen[-1].board.rows) == 2
    store.runs.archive([run_id], FakeClock().now())
    assert is_read_anew() and [row.lead.model for row in seen[-1].board.rows] == ["b"]


def test_published_scores_and_speeds_stand_beside_ours(
    taking: EvaluationImport, store: DatabaseStore, boards: LeaderboardService, tmp_path: Path
) -> None:
    parts = {name: Answers(50, 43) for name in ("biology", "business", "chemistry", "law", "physics")}
    run_id = take(taking, write_tree(tmp_path, "DeepSeek-R1-0528", {"mmlu_pro": parts}, limit=50))
    run = store.runs.head(run_id)
    store.runs.add(samples.run(endpoint_id=run.endpoint_id, model=run.model, version_label="", provenance={}))
    store.runs.save_measurement("run-1", samples.measurement())
    found = boards.page()
    assert found is not None
    board = found.board
    verdicts = {beside.reference.platform: beside.parity for beside in board.rows[0].references}
    assert {platform: parity and parity.verdict for platform, parity in verdicts.items()} == {
        "VACC": Verdict.INCONCLUSIVE,
        "NVIDIA": Verdict.INCONCLUSIVE,
        "DeepSeek": None,
    }, "the card's figure is of the whole dataset"
    report = board_report(board, 0.01, Texts("zh"))
    assert [report.count(f'<main lang="{language}">') for language in LANGUAGES] == [1, 1]
    for told in ("DeepSeek-R1-0528", "VACC", "NVIDIA", "inconclusive", board.rows[0].references[0].reference.source):
        assert escape(told) in report
    assert "Qwen3-30B-A3B-FP8" in {reference.model for reference in found.published}
    (point,) = found.speeds
    assert (point.row.lead.run_id, point.speed.run_id) == (run_id, "run-1")


def test_no_board_before_anything_is_scored(boards: LeaderboardService) -> None:
    assert (boards.page(), boards.boards(), boards.board("x")) == (None, (), None)


def test_the_published_scores_of_the_catalog() -> None:
    found = load_references()
    assert len(found) == 257
    assert len({(one.model, one.dataset, one.source, one.note, one.platform) for one in found}) >= 255
    assert all(one.source and 0 < one.score < 1 for one in found)
    known = {dataset.key for dataset in EvaluationFiles().datasets()}
    assert {one.dataset for one in found} - known == {"cluewsc"}, "EvalScope has no such benchmark"
    r1 = [one for one in found if one.model == "DeepSeek-R1" and one.dataset == "mmlu"]
    assert {one.platform: one.score for one in r1} == {"VACC": 0.90832, "NVIDIA": 0.90113, "DeepSeek": 0.908}
