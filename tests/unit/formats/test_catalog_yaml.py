"""Catalog files: the project's own are clean; bad ones are named and skipped; a team's own win."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.catalog_files import load_catalog
from core.formats.catalog_yaml import read_catalog

PLATFORM = "id: x\nname: X\nvendor: V\ntier: template\nentrypoint: command\nrun: {}\nsource: a guide\n"


def test_our_own_catalog_is_whole_and_has_no_problem() -> None:
    catalog = load_catalog()
    assert catalog.problems == ()
    assert (len(catalog.platforms), len(catalog.models), sum(1 for _ in catalog.entries())) == (18, 80, 250)
    assert all(item.source for item in (*catalog.platforms.values(), *catalog.models.values()))


def test_every_model_of_ours_is_told_by_the_class_in_its_folder() -> None:
    models = load_catalog().models
    assert [model.name for model in models.values() if not model.classes] == []
    assert models["qwen3-reranker-8b"].classes == ("Qwen3ForCausalLM", "Qwen3ForSequenceClassification")


@pytest.mark.parametrize(
    ("name", "devices", "context", "input_len", "mtp"),
    [("tp32", 32, 65536, 57344, True), ("tp32-pp2", 64, 131072, 102400, False)],
)
def test_r1_profiles_hold_the_guides_numbers(name: str, devices: int, context: int, input_len: int, mtp: bool) -> None:
    entry = load_catalog().entry(f"DeepSeek-R1-0528.{name}")
    assert entry is not None
    assert entry.key == f"deepseek-r1-0528.{name}"
    profile = entry.profile
    assert (profile.devices, profile.max_model_len, profile.max_input_len, profile.mtp) == (
        devices,
        context,
        input_len,
        mtp,
    )
    assert ("LLM_MAX_PREFILL_SEQ_LEN" in profile.env) is (name == "tp32-pp2")


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("id: [", "line", "expected"),
        ("- a list", "", "must be a mapping"),
        (PLATFORM.replace("tier: template", "tier: best"), "tier", "'full'"),
        (PLATFORM.replace("source: a guide\n", ""), "source", "required"),
        (PLATFORM + "shm: 4g\n", "shm", "unknown field"),
    ],
)
def test_a_bad_file_is_named_with_path_and_reason(text: str, path: str, reason: str) -> None:
    problem = read_catalog([("platforms/x.yaml", text)]).problems[0]
    assert problem.file == "platforms/x.yaml"
    assert path in problem.path
    assert reason.lower() in problem.reason.lower()


def test_one_bad_model_does_not_take_the_others_with_it() -> None:
    text = "family: F\nmodels: [{name: A, kind: llm, profiles: none, platforms: [], source: s}, 7]\n"
    catalog = read_catalog([("models/f.yaml", text)])
    assert list(catalog.models) == ["a"]
    assert {problem.reason for problem in catalog.problems} == {"must be a mapping", "no profile group 'none'"}


def test_a_teams_folder_wins_and_its_unreadable_file_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "platforms"
    folder.mkdir()
    ours = PLATFORM.replace("id: x", "id: nvidia-cuda").replace("name: X", "name: Our GPUs")
    (folder / "nvidia.yaml").write_text(ours)
    (folder / "broken.yaml").write_bytes(b"\xff\xfe\x00")
    catalog = load_catalog(tmp_path)
    assert catalog.platforms["nvidia-cuda"].name == "Our GPUs"
    assert [problem.file for problem in catalog.problems] == ["platforms/broken.yaml"]
