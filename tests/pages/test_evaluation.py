"""One evaluation, a sample, two side by side, the leaderboard: as a person meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR
from core.domain.evaluation_scores import Ending
from tests.fakes import samples
from tests.fakes.evalscope_tree import Answers, write_tree
from tests.pages.conftest import Open
from tests.pages.test_run import charts
from tests.pages.test_shell import sentences


def take(app: App, folder: Path, model: str, label: str, right: int, seed: int, **losses: Any) -> str:
    sets = {"gsm8k": {"main": Answers(60, right, **losses)}, "aime24": {"default": Answers(30, 20)}}
    tree = write_tree(folder / f"{model}-{label}", model, sets, seed=seed)
    return app.evaluation_import.import_folder(LOCAL_OPERATOR, tree, label)[0].run_id


def said(at: AppTest) -> str:
    """Without the backslashes that keep names from being read as Markdown."""
    return sentences(at).replace("\\", "")


def test_an_evaluation_says_its_scores_and_why_they_are_too_low(app: App, open_page: Open, tmp_path: Path) -> None:
    run_id = take(app, tmp_path, "R1", "old", 40, 1, truncated=6, overflow=2)
    at = open_page("evaluation", id=run_id)
    assert not at.exception
    text = said(at)
    assert "2 datasets, 66.7 % on average: gsm8k 66.7 %, aime24 66.7 %." in text
    assert "8 of 90 questions were not answered to the end" in text
    assert "were cut off at max_tokens (512)" in text
    assert len(charts(at)) == 2
    shown = [option for group in at.button_group for option in group.options]
    assert "Cut off 6" in shown


def test_samples_are_filtered_by_the_address(app: App, open_page: Open, tmp_path: Path) -> None:
    run_id = take(app, tmp_path, "R1", "old", 40, 1, truncated=6)
    at = open_page("evaluation", id=run_id, show="truncated", dataset="gsm8k")
    assert not at.exception
    assert "6 samples" in said(at)
    at = open_page("evaluation", id=run_id, show="nonsense", dataset="none")
    assert "90 samples" in said(at)


def test_what_flipped_against_another_evaluation_is_a_filter(app: App, open_page: Open, tmp_path: Path) -> None:
    before, after = take(app, tmp_path, "R1", "old", 40, 1), take(app, tmp_path, "R1", "new", 20, 2, truncated=6)
    take(app, tmp_path, "Other", "newest", 30, 3)
    pair = app.evaluation_results.compare(before, after)
    flips = sum(len(found.flips) for found in pair.datasets)
    at = open_page("evaluation", id=after, show="flipped")
    assert not at.exception
    assert f"{flips} samples" in said(at)
    assert at.selectbox(key="url_against").value == before, "another version of the same model comes first"
    at = open_page("evaluation", id=after, show="flipped", against=after)
    assert f"{flips} samples" in said(at), "it is not held against itself"


def test_flips_that_were_not_answered_stand_apart(app: App, open_page: Open, tmp_path: Path) -> None:
    before, after = take(app, tmp_path, "R1", "old", 57, 1), take(app, tmp_path, "R1", "new", 20, 2, truncated=9)
    (pair, _) = app.evaluation_results.compare(before, after).datasets
    cut = [flip for flip in pair.flips if Ending.TRUNCATED in {flip.before_ending, flip.after_ending}]
    lost = [flip for flip in pair.flips if not flip.won and flip not in cut]
    at = open_page("compare_evaluations", before=before, after=after)
    shown = [option for group in at.button_group for option in group.options]
    assert cut and {f"Lost ({len(lost)})", f"Cut off ({len(cut)})"} <= set(shown)


def test_a_sample_is_shown_as_it_was_written(app: App, open_page: Open, tmp_path: Path) -> None:
    run_id = take(app, tmp_path, "R1", "old", 0, 1, overflow=60)
    at = open_page("sample", run=run_id, dataset="gsm8k", number="3", locale="zh-CN")
    assert not at.exception
    assert "gsm8k 的第 4 个样本" in at.title[0].value
    assert any("maximum context length" in block.value for block in at.code)
    assert "服务器因提示过长而拒绝" in at.warning[0].value


@pytest.mark.parametrize("page", ["evaluation", "sample", "compare_evaluations", "leaderboard"])
def test_without_anything_to_show_there_is_a_way_on(page: str, open_page: Open) -> None:
    at = open_page(page)
    assert not at.exception
    assert said(at)


def test_what_is_not_there_is_said(open_page: Open) -> None:
    at = open_page("evaluation", id="run-of-none")
    assert not at.exception
    assert at.error


def test_two_evaluations_side_by_side(app: App, open_page: Open, tmp_path: Path) -> None:
    before, after = take(app, tmp_path, "R1", "old", 57, 1), take(app, tmp_path, "R1", "new", 20, 2, truncated=9)
    at = open_page("compare_evaluations", before=before, after=after)
    assert not at.exception
    text = said(at)
    assert "R1 new against R1 old: gsm8k −61.7 pt (worse)" in text
    assert "were not answered to the end" in text
    assert len(charts(at)) == 1


@pytest.mark.parametrize(("locale", "leads"), [("en-US", "leads with 95.0 %"), ("zh-CN", "以 95.0 % 领先")])
def test_the_leaderboard(app: App, open_page: Open, tmp_path: Path, locale: str, leads: str) -> None:
    take(app, tmp_path, "R1", "old", 57, 1)
    take(app, tmp_path, "R1", "new", 20, 2)
    run_id = take(app, tmp_path, "V3", "", 56, 3)
    endpoint_id = app.store.runs.head(run_id).endpoint_id
    app.store.runs.add(samples.run(endpoint_id=endpoint_id, model="V3", version_label="", provenance={}, job_id=None))
    app.store.runs.save_measurement("run-1", samples.measurement())
    key = next(head.key for head in app.leaderboard.boards() if head.conditions.dataset == "gsm8k")
    at = open_page("leaderboard", board=key, locale=locale)
    assert not at.exception
    assert leads in said(at)
    assert len(charts(at)) == 3  # ranking, speed, history


def test_what_others_published_for_other_models_is_drawn_where_it_is_opened(
    app: App, open_page: Open, tmp_path: Path
) -> None:
    take(app, tmp_path, "R1", "old", 57, 1)
    key = next(head.key for head in app.leaderboard.boards() if head.conditions.dataset == "aime24")
    at = open_page("leaderboard", board=key)
    assert "DeepSeek-R1-0528" not in said(at)
    at.session_state["board_published"] = True
    assert "DeepSeek-R1-0528" in said(at.run())


def test_a_kept_board_stays_as_it_was(app: App, open_page: Open, tmp_path: Path) -> None:
    first = take(app, tmp_path, "R1", "old", 50, 1)
    key = next(head.key for head in app.leaderboard.boards() if head.conditions.dataset == "gsm8k")
    view = app.history.keep_view(LOCAL_OPERATOR, "leaderboard", "May", {"board": key}, [first])
    take(app, tmp_path, "V3", "", 59, 2)
    app.store.runs.archive([first], app.clock.now())
    assert "only V3 was evaluated" in said(open_page("leaderboard", board=key))
    at = open_page("leaderboard", view=view.id)
    assert not at.exception
    assert "gsm8k: only R1 old was evaluated under these conditions: 83.3 %" in said(at)
    assert "May" in said(at)


def test_a_kept_comparison_opens(app: App, open_page: Open, tmp_path: Path) -> None:
    before, after = take(app, tmp_path, "R1", "old", 57, 1), take(app, tmp_path, "R1", "new", 20, 2)
    state = {"before": before, "after": after}
    view = app.history.keep_view(LOCAL_OPERATOR, "compare_evaluations", "both", state, [before, after])
    assert "R1 new against R1 old" in said(open_page("compare_evaluations", view=view.id))


def test_board_and_pair_are_kept_by_their_forms_listed_and_put_away(app: App, open_page: Open, tmp_path: Path) -> None:
    before, after = take(app, tmp_path, "R1", "old", 57, 1), take(app, tmp_path, "R1", "new", 20, 2)
    for page, stem, query in (
        ("leaderboard", "leaderboard", {}),
        ("compare_evaluations", "evaluations", {"before": before, "after": after}),
    ):
        at = open_page(page, **query)
        at.session_state[f"share_{stem}"] = True
        at.run()
        at.text_input(key=f"keep_{page}_title").set_value("In <May>")
        at.button(key=f"FormSubmitter:keep_{page}-Keep this view").click().run()
        (view,) = app.history.views(page)
        assert set(view.run_ids) == {before, after}
        at.session_state[f"{page}_views"] = True
        at.run()
        assert "In \\<May\\>" in [line.proto.label for line in at.get("page_link")]
        at.button(key=f"view_away_{view.id}").click().run()
        assert not at.exception
        assert app.history.views(page) == ()
