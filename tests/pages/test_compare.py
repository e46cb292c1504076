"""The comparison page: the answer first, what weakens it, baselines, the way to choose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.adapters.host import describe_host
from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.workload import Workload
from tests.fakes import samples
from tests.fakes.simulated_runs import evaluated, sweep
from tests.pages.conftest import Open
from tests.pages.test_run import charts
from tests.pages.test_shell import sentences
from ui.markdown import plain


@pytest.fixture
def runs(app: App) -> None:
    """A baseline, a slower version, and one of another workload."""
    app.store.endpoints.add(samples.endpoint())
    put(app, "run-1", 1, version_label="R1")
    put(app, "run-2", 2, version_label="0528", slowdown=1.1, created_at=samples.NOW + timedelta(1))


def put(app: App, run_id: str, seed: int, **changes: Any) -> None:
    sweep(app.store, run_id, seed=seed, concurrencies=(1, 16), requests=60, **changes)


def told(at: Any) -> str:
    return sentences(at).replace("\\", "")


def test_without_runs_the_way_to_the_first(open_page: Open) -> None:
    at = open_page("compare")
    assert not at.exception
    assert "nothing to compare yet" in told(at)


def test_choosing_begins_with_a_run_that_has_a_partner(app: App, runs: None, open_page: Open) -> None:
    points = samples.workload((1, 16)).points
    put(app, "run-9", 9, workload=Workload(999, 9, points), created_at=samples.NOW + timedelta(9), keep_records=False)
    at = open_page("compare")
    assert not at.exception
    assert at.selectbox(key="compare_first").value == "run-2", "the newest has nothing to be compared with"
    at.multiselect(key="compare_others_run-2").set_value(["run-1"]).run()
    at.button(key="compare_go").click().run()
    assert "0528 against R1" in told(at)
    assert at.query_params["runs"] in ("run-2,run-1", ["run-2,run-1"])


def test_the_answer_comes_first(runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1,run-2")
    assert not at.exception
    assert "0528 against R1, over 2 loads: output tokens per second −" in told(at)
    curves, changes = charts(at)
    assert [line.get("name") for line in curves["data"]][:2] == ["0528", "R1"]
    assert len(changes["data"][0]["x"]) == 3
    assert ":red[" in sentences(at)


def test_within_noise_is_never_red(app: App, runs: None, open_page: Open) -> None:
    put(app, "run-3", 3, version_label="R1")
    at = open_page("compare", runs="run-1,run-3")
    assert "No change beyond noise" in told(at) or "Not clear" in told(at)
    assert ":red[" not in sentences(at)


def test_a_baseline_is_pinned_and_then_stands_for_itself(app: App, runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1,run-2")
    at.button(key="compare_pin").click().run()
    assert not at.exception
    assert [one.run_id for one in app.comparisons.baselines()] == ["run-1"]
    assert [row.newest.id for row in app.comparisons.watched() if row.newest] == ["run-2"]
    assert "Pinned baselines" in [head.value for head in open_page("compare").subheader]
    assert "Pinned baseline" in told(at)
    assert "0528 against R1" in told(open_page("compare", runs="run-2"))


def test_a_viewer_reads_and_pins_nothing(runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1,run-2", person=Role.VIEWER)
    assert not at.exception
    assert not [button for button in at.button if button.key in {"compare_pin", "noise_start"}]


def test_one_run_without_a_baseline_asks_for_another(runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1")
    assert not at.exception
    assert "Choose what to compare it with" in told(at)
    assert at.multiselect(key="compare_others_run-1").options[0].startswith("tiny 0528 · ")


def test_the_noise_floor_is_measured_by_a_button(app: App, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app.store.endpoints.add(samples.endpoint())
    here = {"host": describe_host(), "endpoint": {"base_url": samples.endpoint().base_url}}
    for number in (1, 2):
        put(app, f"run-{number}", number, provenance=here)
    at = open_page("compare", runs="run-1,run-2")
    at.session_state["compare_evidence"] = "Noise floor"
    at.run()
    assert "Assumed: 1 %" in told(at)
    at.button(key="noise_start").click().run()
    assert not at.exception
    started = app.comparisons.noise_job("run-1")
    assert started is not None
    assert app.store.runs.head(started).note == "A/A"
    assert not [button for button in at.button if button.key == "noise_start"], "one at a time"


def test_the_comparison_leaves_as_link_markdown_and_file(runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1,run-2")
    at.session_state["compare_share"] = True
    at.run()
    assert not at.exception
    written = [code.value for code in at.code]
    assert any(text.endswith("?runs=run-1,run-2&base=run-1") for text in written)
    assert any(text.startswith("### 0528 against R1") for text in written)


def test_the_release_card_shows_speed_and_configuration(app: App, runs: None, open_page: Open) -> None:
    at = open_page("release", locale="zh-CN", runs="run-1,run-2", base="run-1")
    assert not at.exception
    assert "0528 对比 R1，2 个负载平均：每秒输出词元 −" in told(at)
    assert "两个版本都还没有用数据集评测过" in told(at)
    assert [metric.label for metric in at.metric] == ["每秒输出词元", "首字延迟均值", "每字延迟均值"]
    assert not open_page("release").exception


def test_a_dataset_on_the_release_card_is_text(app: App, open_page: Open) -> None:
    """It may come from somebody else's output."""
    app.store.endpoints.add(samples.endpoint())
    name = "![x](http://evil.example/x.png) **b**"
    for number, label in enumerate(("R1", "0528"), 1):
        told_of = {"image_digest": f"sha256:{number}"}
        put(app, f"run-{number}", number, version_label=label, provenance=told_of)
        evaluated(app.store, f"eval-{number}", 150, dataset=name, version_label=label, provenance=told_of)
    at = open_page("release", runs="run-1,run-2", base="run-1")
    assert not at.exception
    assert at.metric[-1].label == plain(name)


def test_a_kept_comparison_opens_with_its_baseline(app: App, runs: None, open_page: Open) -> None:
    view = app.history.keep_view(LOCAL_OPERATOR, "compare", "0528", {"base": "run-2"}, ["run-1", "run-2"])
    at = open_page("compare", view=view.id)
    assert "R1 against 0528" in told(at)


def test_a_comparison_is_kept_by_its_form_listed_opened_and_put_away(app: App, runs: None, open_page: Open) -> None:
    at = open_page("compare", runs="run-1,run-2")
    at.session_state["compare_share"] = True
    at.run()
    at.text_input(key="compare_view_title").set_value("0528 in May")
    at.button(key="FormSubmitter:compare_keep-Keep this view").click().run()
    (view,) = app.history.views("compare")
    assert (view.title, view.run_ids, dict(view.state)) == ("0528 in May", ("run-1", "run-2"), {"base": "run-1"})
    assert at.query_params["view"] in (view.id, [view.id])
    at.session_state["compare_views"] = True
    at.run()
    assert "0528 in May" in [line.proto.label for line in at.get("page_link")]
    at.button(key=f"view_away_{view.id}").click().run()
    assert app.history.views("compare") == ()
    assert "0528 against R1" in told(open_page("compare", view=view.id)), "its link still opens"
