"""The compose file says what the command line says."""

from __future__ import annotations

from typing import Any

import yaml

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.formats import compose, docker_cli
from core.formats.deployment import container_spec
from tests.guide import LONG_CONTEXT_REQUEST


def service(spec: ContainerSpec) -> dict[str, Any]:
    document = yaml.safe_load(compose.render(spec))
    assert list(document) == ["services"]
    (found,) = document["services"].values()
    return dict(found)


def test_the_guides_settings() -> None:
    spec = container_spec(LONG_CONTEXT_REQUEST, "dep-1")
    assert service(spec) == {
        "image": spec.image,
        "container_name": "vllm_service",
        "command": list(spec.command),
        "privileged": True,
        "shm_size": "256g",
        "ipc": "host",
        "volumes": [
            {
                "type": "bind",
                "source": "/path/to/model",
                "target": "/weights/",
                "bind": {"create_host_path": False},
            }
        ],
        "ports": ["8000:8000"],
        "environment": {
            "LLM_MAX_PREFILL_SEQ_LEN": "102400",
            "FUSE_ALL_DECODER_LAYERS": "0",
            "VLLM_API_KEY": "${VLLM_API_KEY:?set VLLM_API_KEY}",
        },
        "restart": "unless-stopped",
        "labels": {"seatrial.deployment": "dep-1"},
    }


def test_dollars_are_not_filled_in() -> None:
    found = service(ContainerSpec("A b", "i", ("--x", "$HOME"), env={"A": "a$b"}, labels={"l": "$c"}))
    assert (found["command"], found["environment"], found["labels"]) == (["--x", "$$HOME"], {"A": "a$$b"}, {"l": "$$c"})


def test_every_other_option() -> None:
    spec = ContainerSpec(
        name="a",
        image="i",
        mounts=(BindMount("/a", "/b", read_only=True),),
        ports=(PublishedPort(9000, 9001, "::1"),),
        network="lab",
        devices=("/dev/vacc0",),
        group_add=("video",),
        cap_add=("SYS_NICE",),
        security_opt=("seccomp=unconfined",),
        ulimits=("memlock=-1", "nofile=1024:2048"),
        runtime="nvidia",
        gpus="device=0,1",
        pid="host",
    )
    found = service(spec)
    assert found["volumes"][0]["read_only"] is True
    assert found["ports"] == ["[::1]:9000:9001"]
    assert found["ulimits"] == {"memlock": -1, "nofile": {"soft": 1024, "hard": 2048}}
    assert found["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] == ["0", "1"]
    assert (found["network_mode"], found["pid"], found["runtime"]) == ("lab", "host", "nvidia")
    assert (found["devices"], found["cap_add"], found["group_add"]) == (["/dev/vacc0"], ["SYS_NICE"], ["video"])


def test_numbers_of_gpus() -> None:
    gpus = [service(ContainerSpec("a", "i", gpus=text))["deploy"]["resources"] for text in ("all", "2")]
    assert [g["reservations"]["devices"][0]["count"] for g in gpus] == ["all", 2]


def test_on_the_hosts_network_no_port_is_mapped() -> None:
    spec = ContainerSpec(name="a", image="i", ports=(PublishedPort(8001, 8001),), network="host")
    assert "ports" not in service(spec)
    assert "-p" not in docker_cli.render(spec)
