"""A container as the engine's JSON has it, read back into a spec."""

from __future__ import annotations

from core.adapters.docker_specs import spec_view
from core.domain.container import BindMount, PublishedPort
from core.formats.deployment import container_spec
from core.formats.spec_diff import differences
from tests.guide import LONG_CONTEXT_REQUEST

INSPECTED = {
    "Id": "a" * 64,
    "Name": "/vllm_service",
    "Image": "sha256:1",
    "Config": {
        "Image": "registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202",
        "Cmd": list(container_spec(LONG_CONTEXT_REQUEST, "dep-1").command),
        "Env": [
            "PATH=/usr/bin",
            "LLM_MAX_PREFILL_SEQ_LEN=102400",
            "FUSE_ALL_DECODER_LAYERS=0",
            "VLLM_API_KEY=sk-very-secret",
        ],
        "Labels": {"seatrial.deployment": "dep-1"},
    },
    "HostConfig": {
        "Privileged": True,
        "ShmSize": 256 * 1024**3,
        "IpcMode": "host",
        "NetworkMode": "default",
        "PidMode": "",
        "Runtime": "runc",
        "SecurityOpt": ["label=disable"],
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "Mounts": [{"Type": "bind", "Source": "/path/to/model", "Target": "/weights/"}],
        "PortBindings": {"8000/tcp": [{"HostIp": "", "HostPort": "8000"}]},
    },
}


def test_what_we_started_reads_as_what_we_planned() -> None:
    planned = container_spec(LONG_CONTEXT_REQUEST, "dep-1")
    found = spec_view(INSPECTED, ["PATH=/usr/bin"])
    assert differences(planned, found) == ()
    assert "sk-very-secret" not in repr(found)
    assert found.secret_env == {"VLLM_API_KEY": ""}


def test_other_spellings_of_the_engine() -> None:
    host = {
        "Binds": ["/a:/b:ro", "named:/c"],
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "Devices": [{"PathOnHost": "/dev/kfd"}],
        "CapAdd": ["CAP_SYS_NICE"],
        "Ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}, {"Name": "nofile", "Soft": 1, "Hard": 2}],
        "DeviceRequests": [{"DeviceIDs": ["0", "1"]}],
        "PortBindings": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9000"}], "1/tcp": None},
        "ShmSize": 64 * 1024**2,
    }
    found = spec_view({"Name": "/x", "Config": {"Image": "i"}, "HostConfig": host}, [])
    assert found.mounts == (BindMount("/a", "/b", read_only=True),)
    assert found.ports == (PublishedPort(9000, 8000, "127.0.0.1"),)
    assert (found.restart, found.devices, found.cap_add) == ("on-failure:3", ("/dev/kfd",), ("SYS_NICE",))
    assert found.ulimits == ("memlock=-1", "nofile=1:2")
    assert (found.gpus, found.shm_size) == ("device=0,1", None)
    everything = {"DeviceRequests": [{"Count": -1}]}
    assert spec_view({"Name": "/x", "HostConfig": everything}, []).gpus == "all"


def test_what_the_engine_chose_by_itself_is_no_difference() -> None:
    host = {"Runtime": "nvidia", "IpcMode": "host", "SecurityOpt": ["label=disable", "seccomp=unconfined"]}
    found = spec_view({"Name": "/x", "HostConfig": host}, [], default_runtime="nvidia")
    assert (found.runtime, found.security_opt, found.ipc) == (None, ("seccomp=unconfined",), "host")
    assert spec_view({"Name": "/x", "HostConfig": host}, []).runtime == "nvidia"
