"""The SDK's arguments say what the command line says. The SDK's own argument builder judges them, without an engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from docker.models.containers import _create_container_args

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentRequest
from core.errors import StoreError
from core.formats.deployment import container_spec
from core.formats.docker_sdk import create_kwargs
from tests.guide import LONG_CONTEXT_REQUEST, WITH_MTP_REQUEST


def built(spec: ContainerSpec, secrets: dict[str, str] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the SDK would send: the container's own settings, and those of its host."""
    arguments = _create_container_args({**create_kwargs(spec, secrets or {}), "version": "1.41"})
    return arguments, dict(arguments["host_config"])


@pytest.mark.parametrize("asked", [LONG_CONTEXT_REQUEST, WITH_MTP_REQUEST])
def test_the_guides_settings(asked: DeploymentRequest) -> None:
    spec = container_spec(asked, "dep-1")
    container, host = built(spec, {"VLLM_API_KEY": "s3cret"})
    assert container["image"] == "registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202"
    assert container["name"] == "vllm_service"
    assert tuple(container["command"]) == spec.command
    assert container["environment"] == {**dict(asked.env), "VLLM_API_KEY": "s3cret"}
    assert container["labels"] == {"seatrial.deployment": "dep-1"}
    assert (host["Privileged"], host["ShmSize"], host["IpcMode"]) == (True, 256 * 1024**3, "host")
    assert host["PortBindings"] == {"8000/tcp": [{"HostIp": "", "HostPort": "8000"}]}
    assert host["RestartPolicy"] == {"Name": "unless-stopped"}
    (mount,) = host["Mounts"]
    assert (mount["Source"], mount["Target"], mount["Type"]) == ("/path/to/model", "/weights/", "bind")
    assert not mount["ReadOnly"]


def test_every_other_option() -> None:
    spec = ContainerSpec(
        name="a",
        image="i",
        mounts=(BindMount("/a", "/b", read_only=True),),
        ports=(PublishedPort(9000, 9001, "127.0.0.1"), PublishedPort(9100, 9001)),
        restart="on-failure:3",
        devices=("/dev/vacc0", "/dev/x:/dev/y"),
        group_add=("video",),
        cap_add=("SYS_NICE",),
        security_opt=("seccomp=unconfined",),
        ulimits=("memlock=-1", "nofile=1024:2048"),
        runtime="nvidia",
        gpus="device=0,1",
        pid="host",
    )
    _, host = built(spec)
    assert host["PortBindings"]["9001/tcp"] == [
        {"HostIp": "127.0.0.1", "HostPort": "9000"},
        {"HostIp": "", "HostPort": "9100"},
    ]
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert [(d["PathOnHost"], d["PathInContainer"]) for d in host["Devices"]] == [
        ("/dev/vacc0", "/dev/vacc0"),
        ("/dev/x", "/dev/y"),
    ]
    assert (host["GroupAdd"], host["CapAdd"]) == (["video"], ["SYS_NICE"])
    assert host["SecurityOpt"] == ["seccomp=unconfined"]
    assert [(u["Name"], u["Soft"], u["Hard"]) for u in host["Ulimits"]] == [("memlock", -1, -1), ("nofile", 1024, 2048)]
    assert (host["Runtime"], host["PidMode"], host["Mounts"][0]["ReadOnly"]) == ("nvidia", "host", True)
    assert host["DeviceRequests"][0]["DeviceIDs"] == ["0", "1"]


@pytest.mark.parametrize(("gpus", "count"), [("all", -1), ("2", 2)])
def test_gpus_by_number(gpus: str, count: int) -> None:
    _, host = built(ContainerSpec("a", "i", gpus=gpus))
    assert (host["DeviceRequests"][0]["Count"], host["DeviceRequests"][0]["Capabilities"]) == (count, [["gpu"]])


def test_the_hosts_network_publishes_nothing() -> None:
    _, host = built(ContainerSpec("a", "i", network="host", ports=(PublishedPort(8000, 8000),)))
    assert (host["NetworkMode"], host.get("PortBindings")) == ("host", None)


def test_a_secret_is_in_the_environment_and_nowhere_else() -> None:
    spec = container_spec(LONG_CONTEXT_REQUEST, "dep-1")
    kwargs = create_kwargs(spec, {"VLLM_API_KEY": "s3cret"})
    assert kwargs["environment"].pop("VLLM_API_KEY") == "s3cret"
    assert "s3cret" not in repr(kwargs)
    assert "s3cret" not in repr(spec)


def test_a_container_never_starts_without_the_key_that_it_should_ask_for() -> None:
    with pytest.raises(StoreError) as refused:
        create_kwargs(container_spec(LONG_CONTEXT_REQUEST, "dep-1"), {})
    assert refused.value.params == {"ref": "deployment/dep-1"}
    create_kwargs(container_spec(replace(LONG_CONTEXT_REQUEST, with_key=False), "dep-1"), {})
