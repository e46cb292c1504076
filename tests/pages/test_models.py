"""Weights: what is here, what comes, what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.weights import DownloadRequest, RemoteFile, WeightsSource
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences


@pytest.mark.parametrize(("locale", "told"), [("en-US", "No model on this host yet"), ("zh-CN", "本机还没有模型")])
def test_an_empty_host_shows_the_way(open_page: Open, locale: str, told: str) -> None:
    at = open_page("models", locale=locale)
    assert not at.exception
    assert told in sentences(at)
    assert at.button(key="download_start").disabled


def test_a_download_is_asked_for_and_shows_what_stands_against_it(app: App, open_page: Open) -> None:
    at = open_page("models")
    at.session_state["download_repo"] = "Qwen/Qwen3-8B"
    at.run()
    assert not at.exception
    assert "seatrial download Qwen/Qwen3-8B" in at.code[0].value
    at.text_input(key="download_folder").set_value("weights").run()
    assert "must be a whole path" in sentences(at)
    assert at.button(key="download_start").disabled
    at.text_input(key="download_folder").set_value("").run()
    at.button(key="download_start").click().run()
    assert not at.exception
    (folder,) = app.store.weights.list()
    assert (folder.repo, folder.path) == ("Qwen/Qwen3-8B", str(app.settings.weights[0] / "Qwen3-8B"))
    assert at.button(key=f"pause_{folder.id}")
    at.button(key=f"pause_{folder.id}").click().run()
    assert "Paused" in sentences(at)
    assert at.button(key=f"resume_{folder.id}")


def test_what_is_here_and_a_failed_download(app: App, open_page: Open, tmp_path: Path) -> None:
    model = app.settings.weights[0] / "Tiny"
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (model / "model.safetensors").write_bytes(b"x" * 2048)
    plan = app.weights.plan(DownloadRequest(WeightsSource.MODELSCOPE, "o/m", ""))
    job = app.weights.start(LOCAL_OPERATOR, plan).job
    folder = app.store.weights.by_job(job.id)
    app.store.weights.set_files(folder.id, [RemoteFile("model.safetensors", 4096)], None)
    app.jobs.cancel(LOCAL_OPERATOR, job.id)
    at = open_page("models", person=Role.VIEWER)
    assert not at.exception
    written = sentences(at)
    assert "LlamaForCausalLM" in written
    assert "ModelScope · o/m" in written
    assert "1 model on this host" in written
    assert not [button for button in at.button if (button.key or "").startswith(("resume_", "download_", "serve_"))]
