"""``vllm serve``, written and read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.formats import docker_cli, vllm_serve
from core.formats.deployment import container_spec, read_request
from tests.guide import MODES, WITH_MTP_REQUEST


@pytest.mark.parametrize(("text", "asked"), MODES)
def test_a_pasted_guide_fills_the_form(text: str, asked: DeploymentRequest) -> None:
    read = read_request(docker_cli.parse(text).spec)
    assert (read.request, read.missing, read.not_held) == (asked, (), ())


@pytest.mark.parametrize("form", list(EntrypointForm))
def test_a_request_there_and_back(form: EntrypointForm) -> None:
    asked = replace(
        WITH_MTP_REQUEST,
        weights="/srv/my models/R1",
        container_port=9000,
        host_port=9100,
        host_ip="127.0.0.1",
        ipc=None,
        restart="always",
        entrypoint=form,
    )
    spec = docker_cli.parse(docker_cli.render_shell(container_spec(asked, "dep-1"))).spec
    assert read_request(spec).request == asked


def test_an_image_that_takes_arguments_gets_no_command() -> None:
    asked = replace(WITH_MTP_REQUEST, entrypoint=EntrypointForm.ARGUMENTS)
    assert vllm_serve.argv(asked)[:3] == ("--model", "/weights/DeepSeek-R1-0528", "--trust-remote-code")


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve /w/m --served-model-name a b --port 9000 --host 0.0.0.0 --enforce-eager --max-model-len 4096",
        "/usr/bin/vllm serve --model=/w/m --served_model_name a b --port=9000 --enforce-eager --max-model-len 4096",
        "python3 -m vllm.entrypoints.openai.api_server --port 9000 --model /w/m --served-model-name a b"
        " --enforce-eager --max-model-len 4096",
    ],
)
def test_spellings_of_one_server(command: str) -> None:
    read = vllm_serve.parse(command.split())
    assert read is not None
    assert (read.model, read.served_names, read.port, read.name) == ("/w/m", ("a", "b"), 9000, "a")
    assert read.args == ("--enforce-eager", "--max-model-len", "4096")


def test_without_a_served_name_the_path_is_the_name() -> None:
    read = vllm_serve.parse(("vllm", "serve", "/weights/tiny"))
    assert read is not None
    assert read.name == "/weights/tiny"


@pytest.mark.parametrize("command", [(), ("bash", "-c", "vllm serve x"), ("sleep", "1")])
def test_what_is_no_server(command: tuple[str, ...]) -> None:
    assert vllm_serve.parse(command) is None


def test_what_a_request_cannot_hold_is_named() -> None:
    text = (
        "docker run --gpus all -v /models:/models -v /cache:/root/.cache -p 8000:8000 -p 9999:9999 -e A=1 "
        "--label team=x image vllm serve /models/a/R1"
    )
    read = read_request(docker_cli.parse(text).spec)
    assert (read.request.weights, read.request.served_name) == ("/models/a/R1", "/models/a/R1")
    assert read.not_held == ("-p 9999:9999", "--label team=x")


def test_words_that_belong_to_no_argument_are_named() -> None:
    read = read_request(docker_cli.parse("docker run image vllm serve /w/m `id` twice --enforce-eager -tp 4").spec)
    assert read.request.serve_args == ("--enforce-eager", "-tp", "4")
    assert read.not_held == ("""'`id`' twice""",)


def test_a_container_that_serves_nothing_leaves_fields_open() -> None:
    read = read_request(ContainerSpec("", "image", ("sleep", "1")))
    assert read.missing == ("weights", "served_name")
    assert read.not_held == ("sleep 1",)


@pytest.mark.parametrize(
    ("args", "bad"),
    [
        (("--speculative-config", '{"method":"mtp"}'), ()),
        (("--speculative-config", "{method: mtp}"), ("--speculative-config",)),
        (("--speculative_config={method: mtp}",), ("--speculative-config",)),
        (("-sc", "mtp"), ("-sc",)),
        (("--limit-mm-per-prompt", "image=1"), ()),
        (("--anything", "{"), ("--anything",)),
        (("--trust-remote-code", "--max-model-len", "-1"), ()),
    ],
)
def test_json_arguments(args: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert tuple(found.flag for found in vllm_serve.bad_json(args)) == bad


def test_whole_numbers() -> None:
    args = ("--tensor-parallel-size=8", "--max_model_len", "4096", "--max-model-len", "8192", "-tp", "x")
    assert vllm_serve.int_argument(args, "--tensor-parallel-size", "-tp") == 8
    assert vllm_serve.int_argument(args, "--max-model-len") == 8192
    assert vllm_serve.int_argument(args, "--pipeline-parallel-size") is None
