"""A catalog choice fills in exactly what the vendor's guide types by hand."""

from __future__ import annotations

import pytest

from core.adapters.catalog_files import load_catalog
from core.domain.serving import arm_tag, serving

CATALOG = load_catalog()
VASTAI = {"vastai": "registry.example/"}


def filled(key: str, tag: str = "AI3.2_GR_1202", mtp: bool = False) -> tuple[str, dict[str, str], str, int]:
    entry = CATALOG.entry(key)
    assert entry is not None
    platform, image = CATALOG.platforms["vastai-va16"], CATALOG.images["vllm_vacc"]
    result = serving(entry, platform, image, tag, CATALOG, mtp=mtp, prefixes=VASTAI)
    return " ".join(result.args), result.env, result.image, result.devices


def test_long_input_is_the_guides_own_command() -> None:
    args, env, image, devices = filled("deepseek-r1-0528.tp32-pp2")
    assert args == (
        "--trust-remote-code --tensor-parallel-size 32 --pipeline-parallel-size 2 --max-model-len 131072 "
        "--enforce-eager --reasoning-parser deepseek_r1"
    )
    assert env == {"LLM_MAX_PREFILL_SEQ_LEN": "102400", "FUSE_ALL_DECODER_LAYERS": "0"}
    assert (image, devices) == ("registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202", 64)


def test_the_ordinary_mode_has_no_long_input_settings_and_takes_mtp() -> None:
    args, env, _, devices = filled("deepseek-r1-0528.tp32", mtp=True)
    assert "--pipeline-parallel-size" not in args
    assert args.endswith('--speculative-config {"method":"deepseek_mtp","num_speculative_tokens":1}')
    assert (env, devices) == ({}, 32)


@pytest.mark.parametrize(
    ("tag", "mtp", "there"), [("VVI-26.02", True, True), ("VVI-26.02", False, False), ("AI3.2_GR_1202", True, False)]
)
def test_the_flag_of_the_newer_image_is_filled_in_by_itself(tag: str, mtp: bool, there: bool) -> None:
    assert ("--no-async-scheduling" in filled("deepseek-r1-0528.tp32", tag, mtp)[0]) is there


def test_v3_has_no_reasoning_parser_and_thinking_models_do() -> None:
    assert "--reasoning-parser" not in filled("deepseek-v3.tp32")[0]
    assert "--reasoning-parser deepseek_r1" in filled("qwen3-30b-a3b-thinking-2507-fp8.tp2")[0]
    assert "--reasoning-parser qwen3" in filled("qwen3-8b.tp4")[0]


def test_arm_tags_by_each_images_rule() -> None:
    assert arm_tag(CATALOG.images["vllm_vacc"], "VVI-26.02") == "VVI-26.02_arm"
    assert arm_tag(CATALOG.images["vast-webui"], "latest") == "latest_arm"
    assert arm_tag(CATALOG.images["open-webui"], "main") == "main"
    assert arm_tag(CATALOG.images["vllm-ascend"], "main") is None
