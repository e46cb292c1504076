"""``docker run``: the guide's command word for word, every option there and back, and whatever a person may paste."""

from __future__ import annotations

import random
import shlex
from dataclasses import replace

import pytest

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentRequest
from core.errors import BadInput
from core.formats import docker_cli
from core.formats.deployment import container_spec
from tests.guide import LONG_CONTEXT, MODES, shell_words

EVERYTHING = ContainerSpec(
    name="vllm_service",
    image="vllm/vllm-openai:v0.32.0",
    command=("--model", "/weights/it's here", "--speculative-config", '{"method": "mtp"}', "--enforce-eager"),
    mounts=(BindMount("/srv/my models", "/weights/"), BindMount("/etc/hosts", "/etc/hosts", read_only=True)),
    ports=(PublishedPort(8000, 8000), PublishedPort(9000, 9001, "127.0.0.1"), PublishedPort(9002, 9003, "::1")),
    env={"A": "1", "EMPTY": "", "QUOTED": 'a "b" $c'},
    privileged=True,
    shm_size="256g",
    ipc="host",
    network="lab",
    restart="on-failure:3",
    devices=("/dev/vacc0", "/dev/davinci0:/dev/davinci0"),
    group_add=("video",),
    cap_add=("SYS_NICE", "SYS_PTRACE"),
    security_opt=("seccomp=unconfined",),
    ulimits=("memlock=-1", "nofile=1024:2048"),
    runtime="nvidia",
    gpus="device=0,1",
    pid="host",
    labels={"seatrial.deployment": "dep-1", "owner": "team a"},
)


@pytest.mark.parametrize(("text", "asked"), MODES)
def test_the_guides_command_is_reproduced_word_for_word(text: str, asked: DeploymentRequest) -> None:
    plain = docker_cli.as_guide(container_spec(asked, "dep-1"))
    guide = shell_words(text)
    assert docker_cli.render(plain) == guide
    assert shell_words(docker_cli.render_shell(plain)) == guide


@pytest.mark.parametrize(("text", "asked"), MODES)
def test_a_deployment_adds_a_listed_set_and_nothing_else(text: str, asked: DeploymentRequest) -> None:
    spec = container_spec(asked, "dep-1")
    added = docker_cli.additions(spec)
    assert added == ("-d", "-e VLLM_API_KEY", "--restart unless-stopped", "--label seatrial.deployment=dep-1")
    words = docker_cli.render(spec)
    for option in added:
        first, *others = shlex.split(option)
        start = next(i for i in range(len(words)) if words[i : i + 1 + len(others)] == [first, *others])
        del words[start : start + 1 + len(others)]
    assert words == shell_words(text)


@pytest.mark.parametrize(("text", "asked"), MODES)
def test_the_guides_command_is_read_back_whole(text: str, asked: DeploymentRequest) -> None:
    read = docker_cli.parse(text)
    assert read.spec == docker_cli.as_guide(container_spec(asked, "dep-1"))
    assert read.not_understood == ()


@pytest.mark.parametrize("spec", [EVERYTHING, replace(EVERYTHING, detach=False, gpus="all", restart=None)])
def test_every_option_there_and_back(spec: ContainerSpec) -> None:
    for text in (docker_cli.render_shell(spec), shlex.join(docker_cli.render(spec))):
        assert docker_cli.parse(text) == docker_cli.ReadCommand(spec)


@pytest.mark.parametrize("seed", range(20))
def test_any_text_survives_the_shell(seed: int) -> None:
    chance = random.Random(seed)

    def text() -> str:
        return "".join(chance.choices("ab-=:/,$`'\"\\ \n\t{}()#&;|<>*?~!权重", k=chance.randint(1, 12)))

    spec = ContainerSpec(
        name="a",
        image="registry.example/b:c",
        command=("vllm", "serve", *(text() for _ in range(4))),
        env={f"V{number}": text() for number in range(4)},
        labels={f"l{number}": text() for number in range(2)},
        mounts=(BindMount("/" + text().replace(":", ""), "/weights/"),),
    )
    assert docker_cli.parse(docker_cli.render_shell(spec)) == docker_cli.ReadCommand(spec)
    assert shell_words(docker_cli.render_shell(spec)) == docker_cli.render(spec)


def test_a_secret_stands_by_name_only() -> None:
    spec = ContainerSpec("a", "image", secret_env={"VLLM_API_KEY": "deployment/dep-1"})
    words = docker_cli.render(spec)
    assert words[words.index("VLLM_API_KEY") - 1] == "-e"
    assert docker_cli.parse(shlex.join(words)).spec.secret_env == {"VLLM_API_KEY": ""}


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ("-dp 8000:8001", {"detach": True, "ports": (PublishedPort(8000, 8001),)}),
        ("-p8000:8001/tcp", {"ports": (PublishedPort(8000, 8001),)}),
        ("-eA=1 -e=B=2", {"env": {"A": "1", "B": "2"}}),
        ("--privileged", {"privileged": True}),
        ("--privileged=false", {"privileged": False}),
        ("--name=a --net host", {"name": "a", "network": "host"}),
        ("-v /a:/b:ro,z", {"mounts": (BindMount("/a", "/b", True),)}),
        ("--mount type=bind,source=/a,target=/b,readonly", {"mounts": (BindMount("/a", "/b", True),)}),
        ("--mount 'type=bind,src=/a b,dst=/b'", {"mounts": (BindMount("/a b", "/b"),)}),
        ("""--gpus '"device=0,1"'""", {"gpus": "device=0,1"}),
        ("-v $HOME/m:/w", {"mounts": (BindMount("$HOME/m", "/w"),)}),
    ],
)
def test_spellings(options: str, changes: dict[str, object]) -> None:
    read = docker_cli.parse(f"docker run {options} image serve")
    expected = ContainerSpec("", "image", ("serve",), detach=False)
    assert read == docker_cli.ReadCommand(replace(expected, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("-it --rm", ("-i", "-t", "--rm")),
        ("-m 10g --memory-swap=20g", ("-m 10g", "--memory-swap=20g")),
        ("--no-such-flag=1 --neither", ("--no-such-flag=1", "--neither")),
        ("--entrypoint 'bash -c'", ("--entrypoint 'bash -c'",)),
        ("-v named:/data", ("-v named:/data",)),
        ("-p 8000-8010:8000-8010 -p 53:53/udp -p 8000", ("-p 8000-8010:8000-8010", "-p 53:53/udp", "-p 8000")),
        ("-e 1BAD=2", ("-e 1BAD=2",)),
        ("-Zx", ("-Zx",)),
    ],
)
def test_what_is_not_understood_is_kept_verbatim(options: str, kept: tuple[str, ...]) -> None:
    read = docker_cli.parse(f"docker run {options} image serve")
    assert read.not_understood == kept
    assert (read.spec.image, read.spec.command) == ("image", ("serve",))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("$ sudo docker run image serve\n", ()),
        ("```bash\ndocker run \\\r\n  image serve\r\n```\n", ()),
        ("export A=1\ndocker run image serve && echo done", ("export A=1", "&& echo done")),
        ("First:\n```sh\nexport A=1\nme@host:~# docker run image serve\n```\nThen:\n", ("export A=1",)),
        ("cd /srv && A=1 docker run image serve", ("cd /srv && A=1",)),
        ("docker run image serve\ndocker logs x", ("docker logs x",)),
        ("podman container run image serve", ()),
    ],
)
def test_a_command_is_found_in_its_text(text: str, left: tuple[str, ...]) -> None:
    read = docker_cli.parse(text)
    assert (read.spec.image, read.spec.command, read.not_understood) == ("image", ("serve",), left)


@pytest.mark.parametrize("substitution", ["$(touch /tmp/x)", "`touch /tmp/x`", "${IMAGE}"])
def test_substitutions_are_text(substitution: str) -> None:
    read = docker_cli.parse(f'docker run -e A="{substitution}" {substitution} serve')
    assert (read.spec.image, read.spec.env) == (substitution, {"A": substitution})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "command_not_docker_run"),
        ("ls -l", "command_not_docker_run"),
        ("docker runner image", "command_not_docker_run"),
        ("docker run", "command_no_image"),
        ("docker run -d --name x", "command_no_image"),
        ("docker run -e A='1 image", "command_unbalanced"),
        ("docker run image " + "x" * 1_048_576, "command_too_long"),
    ],
)
def test_what_is_no_command_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        docker_cli.parse(text)
    assert refused.value.code == code


def test_the_pretty_text_has_an_argument_on_each_line() -> None:
    lines = docker_cli.render_shell(docker_cli.parse(LONG_CONTEXT).spec).splitlines()
    assert lines[0] == "docker run \\"
    assert "    vllm serve /weights/DeepSeek-R1-0528 \\" in lines
    assert "    --tensor-parallel-size 32 \\" in lines
