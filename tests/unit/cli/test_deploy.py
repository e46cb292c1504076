"""``seatrial deploy --dry-run``: one container in three spellings, and what stands against it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.deploy_options import set_value
from cli.main import main
from core.domain.deployment import DeploymentRequest
from core.errors import BadInput
from tests.fakes.host_probe import WHOLE
from tests.guide import LONG_CONTEXT, WITH_MTP, shell_words

GUIDE = """docker run --privileged=true --shm-size 256g -it -v {folder}:/weights/ -p 9000:8000 --ipc=host \\
    --name vllm_service -e X=1 --gpus all --memory 8g registry/vllm:1 \\
    vllm serve /weights/DeepSeek-R1 --trust-remote-code --host 0.0.0.0 --port 8000 --served-model-name DS"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No container engine, one weights folder."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'no-docker.sock'}")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    (tmp_path / "weights" / "DeepSeek-R1").mkdir(parents=True)
    (tmp_path / "weights" / "DeepSeek-R1" / "config.json").write_text("{}")
    (tmp_path / "weights" / "DeepSeek-R1" / "model.safetensors").write_bytes(WHOLE)


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return ["deploy", "--image", "registry/vllm:1", "--weights", str(tmp_path / "weights" / "DeepSeek-R1"), "--dry-run"]


def test_the_docker_line_with_our_additions(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*options, "--port", "9000", "--env", "A=1", "--", "--max-model-len", "4096"])
    line = " ".join(capsys.readouterr().out.replace("\\\n", " ").split())
    assert line.startswith("docker run -d --name vllm_service")
    assert "-p 9000:8000" in line
    assert "-e A=1 -e VLLM_API_KEY" in line
    assert line.endswith("--max-model-len 4096 --host 0.0.0.0 --port 8000 --served-model-name DeepSeek-R1")


def test_the_compose_file_is_yaml(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*options, "--format", "compose"])
    services = yaml.safe_load(capsys.readouterr().out)["services"]
    assert services["vllm_service"]["image"] == "registry/vllm:1"


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_one_json_document_tells_what_stands_against_it(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options, "--format", "json"]) == 2
    told = document(capsys)
    assert told["spec"]["ports"] == [{"host_port": 8000, "container_port": 8000, "host_ip": None}]
    assert [finding["code"] for finding in told["findings"] if finding["severity"] == "block"] == ["engine_unavailable"]


def test_a_start_that_is_refused_starts_nothing(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options[:-1], "--json"]) == 2
    assert document(capsys)["error"]["findings"][0]["code"] == "engine_unavailable"
    assert main(["runs", "--json"]) == 0


def test_a_docker_run_line_is_where_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(GUIDE.format(folder=tmp_path / "weights")))
    main(["deploy", "--from-command", "-", "--dry-run", "--json", "--env", "X=2", "--env", "Y=3", "--open"])
    out, err = capsys.readouterr()
    request = json.loads(out)["request"]
    assert (request["served_name"], request["host_port"], request["privileged"]) == ("DS", 9000, True)
    assert request["env"] == [["X", "2"], ["Y", "3"]]
    assert request["serve_args"] == ["--trust-remote-code"]
    assert request["with_key"] is False
    assert request["gpus"] == "all"
    assert "--memory 8g" in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--env", "A"], "env_not_a_pair"),
        (["--from-command", "/no/such/file"], "file_unreadable"),
    ],
)
def test_bad_input_is_exit_2(arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--dry-run", "--json", *arguments]) == 2
    assert document(capsys)["error"]["code"] == code


@pytest.mark.parametrize("form", [["--format", "json"], ["--format=json"], ["--json"]])
def test_who_asked_for_a_document_reads_one_of_what_argparse_refuses(
    form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["deploy", "--dry-run", "--port", "abc", *form])
    assert caught.value.code == 2
    assert document(capsys)["error"]["code"] == "arguments_bad"


def test_a_bad_setting_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SEATRIAL_PORT", "x")
    assert main(["runs"]) == 2
    assert "SEATRIAL_PORT" in capsys.readouterr().err


# ---------------------------------------------------------------- profiles


def line(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return shell_words(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("guide", "options"),
    [
        (LONG_CONTEXT, ["--profile", "DeepSeek-R1-0528.tp32-pp2"]),
        (WITH_MTP, ["--profile", "deepseek-r1-0528.tp32", "--set", "mtp=true"]),
    ],
)
def test_the_guides_own_command_word_for_word(
    guide: str, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEATRIAL_REGISTRIES", "vastai=registry.example")
    weights = ["--weights", "/path/to/model/DeepSeek-R1-0528"]
    main(["deploy", *options, *weights, "--dry-run", "--as-guide"])
    assert line(capsys) == shell_words(guide)


def test_the_guides_own_command_is_not_started_by_accident(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--profile", "deepseek-r1.tp32", "--weights", "/w/m", "--as-guide"]) == 2
    assert "--dry-run" in capsys.readouterr().err


def test_what_is_set_goes_over_the_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = {
        "max_model_len": "32K",
        "reasoning-parser": "qwen3",
        "tag": "VVI-26.02",
        "env.A": "b=c",
        "host_port": "9000",
        "enforce_eager": "false",
        "devices": "32-63",
        "--max-num-seqs": "4",
    }
    told = [f"--set={name}={value}" for name, value in sets.items()]
    weights = ["--weights", str(tmp_path / "weights" / "DeepSeek-R1")]
    main(["deploy", "--profile", "deepseek-r1.tp32", *weights, *told, "--dry-run"])
    words = line(capsys)
    text = " ".join(words)
    for part in (
        "--max-model-len 32768", "--reasoning-parser qwen3", "vllm_vacc:VVI-26.02", "-e A=b=c", "-p 9000:8000",
        "--max-num-seqs 4", "-e VACC_VISIBLE_DEVICES=32,33,",
    ):  # fmt: skip
        assert part in text
    assert "--enforce-eager" not in words


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("color", "red", "set_unknown"),
        ("tp", "many", "set_bad"),
        ("mtp", "perhaps", "set_bad"),
        ("host_port", "x", "set_bad"),
        ("devices", "x", "devices_bad"),
    ],
)
def test_what_cannot_be_set_is_refused(name: str, value: str, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        set_value(DeploymentRequest(image="i:1", weights="/w/m", served_name="m"), name, value)


def test_limits_are_held_in_the_shell_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--profile", "no-such.tp1", "--dry-run", "--json"]) == 2
    assert document(capsys)["error"]["code"] == "catalog_key_unknown"
    main(["deploy", "--profile", "deepseek-r1.tp32", "--set", "max_model_len=65537", "--dry-run", "--json"])
    codes = {finding["code"] for finding in document(capsys)["findings"] if finding["severity"] == "block"}
    assert "context_over_limit" in codes


def test_a_block_that_is_overridden_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["deploy", "--profile", "deepseek-r1.tp32", "--weights", "/no/such/R1", "--dry-run"]
    main([*words, "--override", "devices_none", "--override", "weights_missing"])
    told = capsys.readouterr().err
    assert "Set aside: There is no device /dev/vacc" in told
    assert "Set aside: /no/such" not in told, "what is no arithmetic stays blocked"


# ---------------------------------------------------------------- what runs


def test_nothing_runs_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deployments", "list", "--json"]) == 0
    assert document(capsys) == {"deployments": []}
    for verb in ("logs", "stop", "remove"):
        assert main(["deployments", verb, "vllm_service"]) == 2
    assert "vllm_service" in capsys.readouterr().err
