"""The rules of serving, at their boundaries, on the project's own catalog."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.adapters.catalog_files import load_catalog
from core.domain.finding import Severity
from core.domain.rules import PlatformChoice, ServingChoice, check, check_platform, flag_names

CATALOG = load_catalog()
ALWAYS = ("--trust-remote-code", "--enforce-eager")


def choice(key: str = "deepseek-r1-0528.tp32", tag: str = "AI3.2_GR_1202") -> ServingChoice:
    entry = CATALOG.entry(key)
    assert entry is not None
    profile = entry.profile
    return ServingChoice(
        model=entry.model,
        profile=profile,
        platform=CATALOG.platforms["vastai-va16"],
        image=CATALOG.images["vllm_vacc"],
        tag=tag,
        tp=profile.tp,
        pp=profile.pp,
        max_model_len=profile.max_model_len,
        max_input_len=profile.max_input_len,
        max_concurrency=profile.max_concurrency,
        env={**entry.model.env, **profile.env},
        args=ALWAYS,
    )


def codes(changed: ServingChoice) -> list[str]:
    return [finding.code for finding in check(changed, CATALOG)]


@pytest.mark.parametrize("entry", sorted({entry.key for entry in CATALOG.entries()}))
def test_every_tested_profile_is_accepted_as_it_stands(entry: str) -> None:
    assert codes(choice(entry)) == []


def test_a_template_says_that_it_is_one() -> None:
    templates = [platform for platform in CATALOG.platforms.values() if platform.tier == "template"]
    assert len(templates) > 5
    for platform in CATALOG.platforms.values():
        found = check_platform(PlatformChoice(platform=platform, tag="", tp=1, pp=1), CATALOG)
        told = [finding.source for finding in found if finding.code == "platform_template"]
        assert told == ([platform.source] if platform in templates else [])


@pytest.mark.parametrize(("own", "told"), [(40960, ["context_by_extension"]), (65536, []), (None, [])])
def test_a_profile_longer_than_the_model_says_how(own: int | None, told: list[str]) -> None:
    assert codes(replace(choice("qwen3-32b.tp4"), own_model_len=own)) == told
    assert codes(replace(choice("deepseek-r1-0528.tp32"), own_model_len=40960)) == []


def test_the_limits_of_one_platform_are_not_held_on_another() -> None:
    nvidia = replace(choice(), platform=CATALOG.platforms["nvidia-cuda"], image=None, tag="", args=())
    unlike = replace(nvidia, tp=8, max_model_len=131072, mtp=True, env={"ANY": "1"}, devices_available=8)
    assert codes(unlike) == ["model_not_listed_for_platform"]
    assert codes(replace(unlike, devices_available=7)) == ["devices_short", "model_not_listed_for_platform"]


@pytest.mark.parametrize(("tp", "ok"), [(16, False), (31, False), (32, True), (33, False), (64, False)])
def test_deepseek_takes_tp_32_alone(tp: int, ok: bool) -> None:
    assert (codes(replace(choice(), tp=tp)) == []) is ok


@pytest.mark.parametrize(
    ("key", "limit"), [("deepseek-r1-0528.tp32", 65536), ("deepseek-r1-0528.tp32-pp2", 131072), ("qwen3-8b.tp2", 65536)]
)
def test_the_context_limit_holds_at_its_edge(key: str, limit: int) -> None:
    at = choice(key)
    assert "context_over_limit" not in codes(replace(at, max_model_len=limit - 1))
    assert "context_over_limit" not in codes(replace(at, max_model_len=limit))
    assert codes(replace(at, max_model_len=limit + 1)) == ["context_over_limit"]


@pytest.mark.parametrize(
    ("key", "sizes", "limit"),
    [
        ("deepseek-r1-0528.tp32-pp2", {"pp": 1}, 65536),
        ("deepseek-r1-0528.tp32", {"pp": 2}, 131072),
        ("qwen3-8b.tp4", {"tp": 2}, 65536),
        ("qwen3-8b.tp2", {"tp": 4}, 131072),
    ],
)
def test_limits_are_those_of_the_sizes_whatever_profile_is_named(key: str, sizes: dict[str, int], limit: int) -> None:
    at = replace(choice(key), **sizes)
    assert "profile_of_sizes" in codes(at)
    for length, over in ((limit - 1, False), (limit, False), (limit + 1, True)):
        assert ("context_over_limit" in codes(replace(at, max_model_len=length))) is over


def test_variables_follow_the_sizes_too() -> None:
    long_input = choice("deepseek-r1-0528.tp32-pp2")
    assert codes(replace(long_input, pp=1, max_model_len=65536, max_input_len=None)) == [
        "env_for_another_profile",
        "env_for_another_profile",
        "profile_of_sizes",
    ]
    assert codes(replace(choice(), pp=2)).count("env_expected") == 2


@pytest.mark.parametrize(
    ("own", "expected"),
    [(None, ["context_not_set"]), (65536, []), (65537, ["context_unset_over_limit"])],
)
def test_a_length_that_nobody_sets_is_the_models_own(own: int | None, expected: list[str]) -> None:
    assert codes(replace(choice(), max_model_len=None, own_model_len=own)) == expected


def test_the_input_and_concurrency_limits_hold_at_their_edges() -> None:
    assert codes(replace(choice(), max_input_len=57344)) == []
    assert codes(replace(choice(), max_input_len=57345)) == ["input_over_limit"]
    assert codes(replace(choice(), max_concurrency=4)) == []
    assert codes(replace(choice(), max_concurrency=5)) == ["concurrency_over_limit"]


@pytest.mark.parametrize(("available", "ok"), [(63, False), (64, True), (65, True)])
def test_pp2_needs_64_dies_more_than_the_guides_own_minimum(available: int, ok: bool) -> None:
    findings = check(replace(choice("deepseek-r1-0528.tp32-pp2"), devices_available=available), CATALOG)
    assert (findings == ()) is ok
    if findings:
        assert findings[0].severity is Severity.BLOCK
        assert findings[0].derived, "dies per card are arithmetic, so a person may override"
        assert findings[0].params["needed"] == 64


def test_mtp_goes_with_tp32_and_never_with_pp() -> None:
    assert codes(replace(choice(), mtp=True)) == []
    assert "mtp_with_pp" in codes(replace(choice("deepseek-r1-0528.tp32-pp2"), mtp=True))
    assert codes(replace(choice("qwen3-8b.tp2"), mtp=True)) == ["mtp_not_supported"]


def test_long_input_variables_belong_to_the_long_input_profile() -> None:
    assert codes(replace(choice(), env={"FUSE_ALL_DECODER_LAYERS": "0"})) == ["env_for_another_profile"]
    assert codes(replace(choice("deepseek-r1-0528.tp32-pp2"), env={})) == ["env_expected", "env_expected"]


@pytest.mark.parametrize(
    ("tag", "mtp", "args", "expected"),
    [
        ("AI3.2_GR_1202", True, (), []),
        ("VVI-25.12.SP2", True, (), []),
        ("VVI-26.02", False, (), []),
        ("VVI-26.02", True, (), ["flag_required_by_image"]),
        ("VVI-26.05", True, ("--no-async-scheduling",), []),
        ("AI3.2_GR_1202", True, ("--no-async-scheduling",), ["flag_unknown_to_image"]),
        ("AI3.0_SP9_0811", True, (), ["input_caution"]),
        ("mine", True, (), ["tag_unknown"]),
    ],
)
def test_flags_follow_the_images_generation(tag: str, mtp: bool, args: tuple[str, ...], expected: list[str]) -> None:
    assert codes(replace(choice(tag=tag), mtp=mtp, args=(*ALWAYS, *args))) == expected


@pytest.mark.parametrize("flag", ["--gpu-memory-utilization=0.9", "--gpu_memory_utilization", "--async-scheduling"])
def test_what_the_platform_cannot_do_is_blocked_however_it_is_spelled(flag: str) -> None:
    finding = check(replace(choice(), args=(*ALWAYS, flag)), CATALOG)[0]
    assert (finding.code, finding.severity, finding.derived) == ("flag_forbidden", Severity.BLOCK, False)


def test_flags_that_vllm_removed_are_named_with_what_replaces_them() -> None:
    nvidia = replace(
        choice(),
        platform=CATALOG.platforms["nvidia-cuda"],
        image=CATALOG.images["vllm-openai"],
        args=("--rope-scaling",),
    )
    assert "flag_removed" in codes(replace(nvidia, tag="v0.14.0"))
    assert "flag_removed" not in codes(replace(nvidia, tag="v0.13.9"))
    assert "flag_removed_since" in codes(replace(nvidia, tag="latest")), "of an unknown version it is a warning"
    assert "flag_removed_since" not in codes(replace(nvidia, tag="v0.13.9"))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("AI3.2_GR_1202", ["arm_tag_expected"]),
        ("AI3.2_GR_1202_arm", []),
        ("VVI-25.12.SP2_arm", []),
        ("VVI-26.02_arm", ["arm_tag_not_stated"]),
    ],
)
def test_arm_tags_are_known_or_asked_for(tag: str, expected: list[str]) -> None:
    assert codes(replace(choice(tag=tag), architecture="aarch64")) == expected


def test_a_flag_is_read_without_its_value() -> None:
    assert flag_names(("--port", "8000", "--dtype=bfloat16", "--hf_overrides", "{}")) == (
        "--port",
        "--dtype",
        "--hf-overrides",
    )
