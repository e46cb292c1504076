"""EvalScope's files, recorded from 1.14.1, and reports as older versions wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.domain.evaluation import SampleStatus
from core.errors import OutputNotUnderstood
from core.formats import evalscope

DATA = Path(__file__).resolve().parents[2] / "data" / "evalscope_1.14.1"


def lines(name: str) -> list[str]:
    return (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_report_tells_whole_and_subsets_once() -> None:
    report = evalscope.read_report((DATA / "report-gsm8k.json").read_text(), "arithmetic")
    whole, subset = report.scores
    assert (report.dataset, report.pretty_name, report.model, report.schema_version) == (
        *("arithmetic", "GSM8K", "fake-r1"),
        2,
    )
    assert (whole.subset, whole.metric, whole.aggregation, whole.score, whole.n) == (None, "accuracy", "mean", 0.75, 24)
    assert (subset.subset, subset.category, subset.score, subset.n) == ("main", None, 0.75, 24)
    assert whole.is_primary and whole.higher_is_better and whole.multiplier == 100.0
    assert (report.requested, report.succeeded, report.errored, report.incomplete) == (24, 24, 0, False)


def test_the_saved_configuration_completes_it() -> None:
    report = evalscope.read_report((DATA / "report-gsm8k.json").read_text())
    told = evalscope.with_settings(report, evalscope.read_settings((DATA / "task_config.yaml").read_text(), "gsm8k"))
    assert (told.evaluation_version, told.few_shot, told.evalscope_version) == ("v1.1", 2, "1.14.1")
    assert told.prompt_template is not None and told.prompt_template.startswith("{question}")


def test_who_judged_is_told_by_the_report_and_not_by_what_was_offered() -> None:
    found = json.loads((DATA / "report-gsm8k.json").read_text())
    config = (DATA / "task_config.yaml").read_text().replace("  models: []", "  models:\n  - model_id: umpire")
    settings = evalscope.read_settings(config, "gsm8k")
    assert settings.judge == "umpire"
    assert evalscope.with_settings(evalscope.read_report(json.dumps(found)), settings).judge is None
    found["judge_summary"] = {"judge_models": ["umpire", "second"], "scored": 24, "total": 24}
    assert evalscope.read_report(json.dumps(found)).judge == "second, umpire"


def test_sums_of_subsets_are_left_out_and_an_empty_report_has_no_score() -> None:
    found = json.loads((DATA / "report-gsm8k.json").read_text())
    found["metrics"][0]["categories"][0]["subsets"].append({"name": "all", "score": 0.75, "num": 24, "is_aggregate": 1})
    assert len(evalscope.read_report(json.dumps(found)).scores) == 2
    found["metrics"] = []
    found["execution_summary"] = {"requested": 60, "succeeded": 0, "errored": 60, "incomplete": True}
    empty = evalscope.read_report(json.dumps(found))
    assert (empty.scores, empty.errored, empty.incomplete) == ((), 60, True)


def test_a_report_of_the_first_schema() -> None:
    """As EvalScope wrote it before 1.5: names for identities, a top-level score, no summary of the execution."""
    subset = {"name": "main", "score": 0.5, "num": 10}
    category = {"name": ["default"], "num": 10, "score": 0.5, "macro_score": 0.5, "subsets": [subset]}
    metric = {"name": "mean_acc", "num": 10, "score": 0.5, "macro_score": 0.5, "categories": [category]}
    report = evalscope.read_report(
        json.dumps({"name": "m@gsm8k", "dataset_name": "gsm8k", "model_name": "m", "score": 0.5, "metrics": [metric]})
    )
    assert [(one.subset, one.metric, one.score, one.is_primary, one.multiplier) for one in report.scores] == [
        (None, "accuracy", 0.5, True, 100.0),
        ("main", "accuracy", 0.5, True, 100.0),
    ]
    assert (report.schema_version, report.requested, report.incomplete) == (1, None, None)


def test_what_is_no_report_is_said() -> None:
    for text in ("", "[]", '{"metrics": 3}'):
        with pytest.raises(OutputNotUnderstood):
            evalscope.read_report(text)


def test_samples_join_answers_and_scores() -> None:
    found = list(
        evalscope.read_samples("gsm8k", "main", lines("predictions-gsm8k_main"), lines("reviews-gsm8k_main"), repeats=2)
    )
    first = found[0]
    assert (first.index, first.group_id, first.repeat) == (2, "1", 0)
    assert (first.gold, first.extracted, first.score, first.status) == ("25", "25", 1.0, SampleStatus.SCORED)
    assert first.answer == "He has \\boxed{25} apples."
    assert first.reasoning == "Okay, let me think step by step. "
    assert first.question.startswith("Here are some examples") and "[Q1]" in first.question
    assert (first.input_tokens, first.output_tokens, first.stop_reason) == (50, 30, "stop")
    assert first.latency_ms is not None and 125 < first.latency_ms < 126
    assert len(found) == 4


def test_an_answer_without_a_review_has_no_score() -> None:
    (only, *_) = evalscope.read_samples("gsm8k", "main", lines("predictions-gsm8k_main"), [], repeats=2)
    assert (only.status, only.score, only.metric, only.group_id, only.repeat) == (
        *(SampleStatus.UNSCORED, None, None),
        "1",
        0,
    )


def test_a_refusal_is_told_from_an_answer_and_a_cut_from_a_whole_one() -> None:
    name = "general_mcq_math_zh"
    found = list(evalscope.read_samples("own", "zh", lines(f"predictions-{name}"), lines(f"reviews-{name}")))
    refused = [one for one in found if one.is_overflow]
    assert refused and all(one.extracted is None and one.input_tokens is None for one in refused)
    assert all("maximum context length" in one.answer and one.score == 0.0 for one in refused)
    assert [one for one in found if one.is_truncated and not one.is_overflow]


def test_half_lines_and_second_answers_are_left_out() -> None:
    whole = lines("predictions-gsm8k_main")
    found = evalscope.read_samples("gsm8k", "main", [*whole, whole[0], whole[1][:80]], lines("reviews-gsm8k_main"))
    assert len(list(found)) == 4


def test_a_judge_that_failed_leaves_no_score() -> None:
    review = json.loads(lines("reviews-gsm8k_main")[0])
    review["sample_score"]["score"] |= {"status": "transport_error", "value": {}}
    (found, *_) = evalscope.read_samples("q", "s", lines("predictions-gsm8k_main"), [json.dumps(review)])
    assert (found.status, found.score) == (SampleStatus.UNSCORED, None)


def test_failed_requests_keep_their_question() -> None:
    line = json.dumps({"index": 3, "subset": "en", "question": "What?", "gold": "4", "error": "500 - dead"})
    (found,) = evalscope.read_errors("arithmetic", [line, "half a li"], repeats=2)
    assert (found.status, found.group_id, found.repeat) == (SampleStatus.ERRORED, "1", 1)
    assert (found.question, found.gold, found.error, found.score) == ("What?", "4", "500 - dead", None)


def test_files_of_subsets_are_told_from_left_overs() -> None:
    assert evalscope.subset_of("gsm8k_main.jsonl", "gsm8k") == "main"
    assert evalscope.subset_of("general_mcq_math_zh.jsonl", "general_mcq") == "math_zh"
    assert evalscope.subset_of("gsm8k_main.jsonl.rerun-9f2c", "gsm8k") is None


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("_DownloadDeadlineError [E1001] 下载总时限已耗尽", "evaluation_hub_unreachable"),
        ("ConnectionError: Couldn't reach 'openai/gsm8k' on the Hub (ConnectError)", "evaluation_hub_unreachable"),
        ("OSError: [Errno 28] No space left on device: 'predictions/x.jsonl'", "disk_full"),
        ("ValueError: BuilderConfig 'main' not found", None),
    ],
)
def test_a_log_tells_why(log: str, code: str | None) -> None:
    assert evalscope.failure_code(log) == code


def test_a_sandbox_that_never_ran_is_told_from_code_that_failed_in_it() -> None:
    failed = (
        "[ERROR:ms_enclave] Failed to start Docker sandbox: Failed to create container: 404 No such image\n"
        "evalscope - ERROR: Code execution in sandbox failed: ValueError('Sandbox pool is empty')\n"
    )
    ran = "[INFO:ms_enclave] Added sandbox o4qx93mb to pool\n[ERROR:ms_enclave] AssertionError\n"
    assert str(evalscope.sandbox_failure(failed)).endswith("404 No such image")
    assert evalscope.sandbox_failure(ran) is None
    assert evalscope.sandbox_containers(ran) == ("sandbox-o4qx93mb",)


def test_the_last_error_is_a_request_or_the_end_of_a_traceback() -> None:
    failed = "ERROR: Processing item in subset='main' failed: Error code: 500 - EngineCore dead\nTraceback:\n"
    assert evalscope.last_error(failed) == "Error code: 500 - EngineCore dead"
    trace = 'Traceback (most recent call last):\n  File "x"\nValueError: Unknown benchmark\n2026 - INFO: end'
    assert evalscope.last_error(trace) == "ValueError: Unknown benchmark"
    assert evalscope.last_error("all is well") == ""
