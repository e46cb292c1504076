"""The evaluation form: plan beside the fields, then a queued evaluation; and the list of datasets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.benchmark import RunKind
from core.domain.evaluation import DatasetChoice, Limit
from core.domain.job import JobKind
from tests.fakes import samples
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences


@pytest.fixture
def endpoint(app: App) -> str:
    """An attached endpoint that was checked, with a long context."""
    one = samples.endpoint(name="Lab box", served_name="DeepSeek-R1")
    app.store.endpoints.add(one)
    assert one.check is not None
    app.store.endpoints.save_check(one.id, replace(one.check, findings=(), max_model_len=65536))
    return one.id


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in at.metric}


def is_blocked(at: AppTest) -> bool:
    return bool(at.button(key="evaluation_start").disabled)


def test_without_endpoints_one_sentence_and_the_way_to_the_first(app: App, open_page: Open) -> None:
    at = open_page("accuracy")
    assert not at.exception
    assert "nothing to evaluate yet" in sentences(at)
    assert not at.multiselect


def test_it_begins_with_a_quick_look_sampled_as_the_vendor_advises(endpoint: str, open_page: Open) -> None:
    at = open_page("accuracy")
    assert not at.exception
    assert at.multiselect(key="eval_datasets").value == ["arithmetic", "logic"]
    assert (at.selectbox(key="eval_sampling").value, at.number_input(key="eval_temperature").value) == (
        "deepseek-r1",
        0.6,
    )
    assert (metrics(at)["Questions"], metrics(at)["Requests in all"]) == ("40", "40")
    assert not is_blocked(at)
    assert "--sampling none --temperature 0.6 --top-p 0.95" in str(at.code[0].value).replace("\\\n  ", "")


def test_the_guides_script_waits_for_a_sandbox_and_says_so(endpoint: str, open_page: Open) -> None:
    at = open_page("accuracy")
    at.pills(key="eval_preset").set_value("guide").run()
    assert at.multiselect(key="eval_datasets").value[-1] == "live_code_bench"
    assert at.number_input(key="eval_max_tokens").value < 61440  # what the longest prompt leaves of the context
    assert is_blocked(at) and "Turn the sandbox on" in sentences(at)


def test_a_number_and_a_share_have_widgets_of_their_own(app: App, endpoint: str, open_page: Open) -> None:
    at = open_page("accuracy")
    at.segmented_control(key="eval_limit_kind").set_value("share").run()
    assert at.pills(key="eval_preset").value is None  # it is the quick look no more
    assert at.number_input(key="eval_percent").max < 100
    at.number_input(key="eval_percent").set_value(50.0).run()
    assert metrics(at)["Questions"] == "120"
    at.segmented_control(key="eval_limit_kind").set_value("all").run()
    at.button(key="evaluation_start").click().run()
    (row,) = app.evaluations.recent(0, 5).rows
    assert row.kind is RunKind.EVALUATION
    assert app.store.evaluations.request(row.id).limit == Limit()


def test_a_start_opens_the_evaluation_and_queues_its_job(app: App, endpoint: str, open_page: Open) -> None:
    at = open_page("accuracy")
    at.multiselect(key="eval_datasets").set_value(["logic"]).run()
    at.multiselect(key="eval_subsets_logic").set_value(["zh"]).run()
    at.button(key="evaluation_start").click().run()
    assert not at.exception
    (job,) = app.jobs.active()
    assert (job.job.kind, job.job.server_key) == (JobKind.EVALUATION, "address:127.0.0.1:8000")
    request = app.store.evaluations.request(job.job.run_id or "")
    assert request.datasets == (DatasetChoice("logic", ("zh",)),)
    assert (request.limit, request.sampling.temperature) == (Limit(count=10), 0.6)


def test_no_dataset_is_said_at_the_field(endpoint: str, open_page: Open) -> None:
    at = open_page("accuracy", locale="zh-CN")
    at.multiselect(key="eval_datasets").set_value([]).run()
    assert is_blocked(at) and "请至少选择一个数据集" in sentences(at)


def test_datasets_are_listed_searched_and_looked_into(app: App, open_page: Open) -> None:
    app.datasets.keep(LOCAL_OPERATOR, "Team sums", b"question,answer\nTwo and two?,4\n", "x.csv")
    at = open_page("datasets")
    assert not at.exception
    assert "3 of 276 datasets can be asked without a network." in sentences(at)
    at.text_input(key="datasets_text").set_value("gsm8k").run()
    assert "**gsm8k**" in sentences(at) and "**mmlu**" not in sentences(at)
    at.selectbox(key="datasets_preview").set_value("own-team-sums").run()
    assert "Two and two?" in sentences(at) and r"Answer\: 4" in sentences(at)


def test_a_viewer_sees_the_list_and_changes_nothing(app: App, open_page: Open) -> None:
    at = open_page("datasets", person=Role.VIEWER)
    assert not at.exception
    assert "**arithmetic**" in sentences(at)
    assert "Bring your own questions" not in sentences(at)
