"""A choice as a whole request, a pasted command as a choice, a team's own profiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.catalog_files import CatalogFolder
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.errors import BadInput, NotAllowed, StoreError
from core.formats import docker_cli
from core.formats.deployment import container_spec
from core.services.catalog import CatalogService, ProfileChoice
from tests.fakes.clock import FakeClock
from tests.guide import LONG_CONTEXT, WITH_MTP, shell_words

WEIGHTS = "/path/to/model/DeepSeek-R1-0528"
GUIDES = [
    (LONG_CONTEXT, "deepseek-r1-0528.tp32-pp2", False),
    (WITH_MTP, "deepseek-r1-0528.tp32", True),
]


def service(folder: Path, **registries: str) -> CatalogService:
    return CatalogService(CatalogFolder(folder), FakeClock(), registries)


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogService:
    return service(tmp_path / "catalog", vastai="registry.example")


def as_guide(request: DeploymentRequest) -> list[str]:
    return docker_cli.render(docker_cli.as_guide(container_spec(request, "dep-1")))


@pytest.mark.parametrize(("text", "key", "mtp"), GUIDES)
def test_a_profile_is_the_guides_command_word_for_word(catalog: CatalogService, text: str, key: str, mtp: bool) -> None:
    filled = catalog.fill(ProfileChoice(key, weights=WEIGHTS, mtp=mtp))
    assert as_guide(filled) == shell_words(text)


@pytest.mark.parametrize(("text", "key", "mtp"), GUIDES)
def test_the_guides_text_becomes_its_profile_and_itself_again(
    catalog: CatalogService, text: str, key: str, mtp: bool
) -> None:
    pasted = catalog.paste(f"Run this:\n```bash\n{text}```")
    assert (pasted.request.profile, pasted.request.platform) == (key, "vastai-va16")
    assert pasted.left == ()
    assert as_guide(pasted.request) == shell_words(text)


def test_the_vendors_own_registry_unless_a_team_has_another(tmp_path: Path) -> None:
    choice = ProfileChoice("deepseek-r1.tp32", weights=WEIGHTS)
    assert service(tmp_path).fill(choice).image.startswith("harbor.vastaitech.com/ai_deliver/vllm_vacc:")
    assert service(tmp_path, vastai="mirror:5000/").fill(choice).image.startswith("mirror:5000/ai_deliver/")


def test_every_profile_fills_on_every_platform_of_its_model(catalog: CatalogService) -> None:
    entries = list(catalog.catalog().entries())
    assert len(entries) > 200
    for entry in entries:
        for platform in entry.model.platforms:
            request = catalog.fill(ProfileChoice(entry.key, platform, weights="/w/x"))
            assert request.image
            assert request.serve_args[:1] != ()
            assert "{" not in request.image


def test_an_unknown_model_takes_what_the_platform_asks_for(catalog: CatalogService) -> None:
    request = catalog.fill(ProfileChoice(platform="nvidia-cuda", weights="/w/x"))
    assert (request.image, request.entrypoint) == ("vllm/vllm-openai:latest", EntrypointForm.ARGUMENTS)
    assert (request.runtime, request.ipc, request.profile) == ("nvidia", "host", None)
    assert request.mounts == (), "a cache in somebody's home folder is no part of it"


def test_on_arm_the_tag_follows_where_its_rule_is_known(catalog: CatalogService) -> None:
    choice = ProfileChoice("deepseek-r1.tp32", architecture="aarch64")
    assert catalog.fill(choice).image.endswith("_arm")


def test_devices_of_a_pasted_command_are_named(catalog: CatalogService) -> None:
    text = LONG_CONTEXT.replace("-e FUSE", "-e VACC_VISIBLE_DEVICES=8-71 -e FUSE")
    request = catalog.paste(text).request
    assert request.devices == tuple(range(8, 72))
    assert "VACC_VISIBLE_DEVICES" not in dict(request.env)
    nvidia = "docker run --gpus '\"device=2,3\"' vllm/vllm-openai:v0.11.0 --model /models/x -tp 2"
    found = catalog.paste(nvidia).request
    assert (found.platform, found.devices, found.gpus) == ("nvidia-cuda", (2, 3), None)


@pytest.mark.parametrize("key", ["--api-key sk-mine", "--api_key=sk-mine"])
def test_a_key_of_a_pasted_command_goes_nowhere(catalog: CatalogService, key: str) -> None:
    text = LONG_CONTEXT.replace("-e FUSE", "-e VLLM_API_KEY=sk-mine -e FUSE").replace("--host", f"{key} --host")
    pasted, plain = catalog.paste(text), catalog.paste(LONG_CONTEXT)
    assert (pasted.request, plain.left) == (plain.request, ())
    assert pasted.left == (f"{key[:9]} ***", "-e VLLM_API_KEY=***")
    assert pasted.request.with_key
    typed = replace(plain.request, serve_args=(*plain.request.serve_args, *key.split()))
    assert catalog.save(LOCAL_OPERATOR, "mine", typed).request == plain.request


def test_what_is_not_held_is_told_verbatim(catalog: CatalogService) -> None:
    pasted = catalog.paste("docker run --memory 8g -it img:1 vllm serve /w/m/x --foo $(id) && rm -rf /")
    assert pasted.left == ("-i", "-t", "--memory 8g", "&& rm -rf /") or "--memory 8g" in pasted.left
    assert "$(id)" in pasted.request.serve_args
    assert any("rm -rf /" in text for text in pasted.left)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "command_not_docker_run"),
        ("rm -rf /", "command_not_docker_run"),
        ("docker run 'open", "command_unbalanced"),
        ("docker run -d", "command_no_image"),
        ("docker run " + "x" * 1024 * 1024, "command_too_long"),
    ],
)
def test_what_is_no_command_is_refused(catalog: CatalogService, text: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        catalog.paste(text)
    assert (refused.value.code, refused.value.params["field"]) == (code, "command")


def test_unknown_names_are_refused(catalog: CatalogService) -> None:
    with pytest.raises(BadInput, match="catalog_key_unknown"):
        catalog.fill(ProfileChoice("no-such.tp1"))
    with pytest.raises(BadInput, match="platform_unknown"):
        catalog.fill(ProfileChoice("deepseek-r1.tp32", "no-such"))


# ---------------------------------------------------------------- the team's own


def test_a_saved_profile_comes_back_whole(catalog: CatalogService) -> None:
    request = replace(
        catalog.fill(ProfileChoice("deepseek-r1.tp32", weights=WEIGHTS)), overrides=("devices_short",), host_port=9000
    )
    saved = catalog.save(LOCAL_OPERATOR, "R1 长上下文", request)
    assert saved.key in catalog.catalog().saved
    assert catalog.fill(ProfileChoice(saved.key)) == replace(request, overrides=())
    assert catalog.fill(ProfileChoice(saved.key, weights="/other/x")).weights == "/other/x"
    catalog.delete(LOCAL_OPERATOR, saved.key)
    assert saved.key not in catalog.catalog().saved


def test_names_are_not_taken_over_by_accident(catalog: CatalogService) -> None:
    request = catalog.fill(ProfileChoice("deepseek-r1.tp32"))
    catalog.save(LOCAL_OPERATOR, "ours", request)
    with pytest.raises(BadInput, match="profile_name_taken"):
        catalog.save(LOCAL_OPERATOR, "Ours", request)
    catalog.save(LOCAL_OPERATOR, "ours", replace(request, host_port=1), replace_it=True)
    assert catalog.fill(ProfileChoice("ours")).host_port == 1
    for name in ("", "///", "x" * 61, "../..", "deepseek-r1.tp32"):
        with pytest.raises(BadInput):
            catalog.save(LOCAL_OPERATOR, name, request)


def test_viewers_save_nothing(catalog: CatalogService) -> None:
    with pytest.raises(NotAllowed):
        catalog.save(Actor("lea", Role.VIEWER), "x", catalog.fill(ProfileChoice("deepseek-r1.tp32")))


def test_theirs_wins_and_a_bad_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "platforms").mkdir()
    (tmp_path / "saved").mkdir()
    catalog = service(tmp_path)
    assert catalog.catalog().platforms["vastai-va16"].name == "Vastai VA16"
    ours = {"id": "vastai-va16", "name": "Our VA16", "vendor": "V", "tier": "full", "entrypoint": "command"}
    lines = [*(f"{name}: {value}" for name, value in ours.items()), "source: us", "run: {privileged: true}"]
    (tmp_path / "platforms" / "va16.yaml").write_text("\n".join(lines))
    (tmp_path / "saved" / "bad.yaml").write_text("name: [")
    (tmp_path / "saved" / "worse.yaml").write_text("name: x\nsource: y\nrequest: {image: 3}")
    assert catalog.catalog().platforms["vastai-va16"].name == "Our VA16"
    assert {problem.file for problem in catalog.catalog().problems} == {"saved/bad.yaml", "saved/worse.yaml"}
    assert catalog.catalog().saved == {}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "saved").write_text("a file")
    with pytest.raises(StoreError, match="catalog_not_writable"):
        service(tmp_path).save(LOCAL_OPERATOR, "x", DeploymentRequest(image="i:1", weights="/a/b", served_name="b"))
