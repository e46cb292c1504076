"""What stands against a deployment, before anything is started: each value, the folder, the model's own limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.deployment import DeploymentRequest
from core.domain.finding import Severity
from core.services.request_findings import request_findings
from core.services.weights_findings import weights_findings
from tests.fakes.host_probe import WHOLE, FakeHostProbe
from tests.guide import LONG_CONTEXT_REQUEST, WITH_MTP_REQUEST

FOLDER = "/srv/models/tiny"
CONFIG = {"num_attention_heads": 8, "max_position_embeddings": 8192}
REQUEST = DeploymentRequest(image="vllm:test", weights=FOLDER, served_name="tiny")


def codes(request: DeploymentRequest) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.field) for finding in request_findings(request)]


def host(**files: Any) -> FakeHostProbe:
    whole = {"config.json": CONFIG, "tokenizer.json": {}, "model.safetensors": WHOLE} | {
        name.replace("__", "."): content for name, content in files.items()
    }
    return FakeHostProbe({f"{FOLDER}/{name}": content for name, content in whole.items() if content is not None})


def weights(request: DeploymentRequest = REQUEST, probe: FakeHostProbe | None = None) -> list[str]:
    return [finding.code for finding in weights_findings(request, probe or host())]


# ---------------------------------------------------------------- by reading


def test_a_sound_request_says_nothing() -> None:
    assert codes(REQUEST) == []


@pytest.mark.parametrize("asked", [LONG_CONTEXT_REQUEST, WITH_MTP_REQUEST])
def test_the_guides_own_values_stand(asked: DeploymentRequest) -> None:
    assert codes(asked) == [("shm_with_host_ipc", "shm_size")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"image": ""}, ("image_empty", "image")),
        ({"image": "a b"}, ("image_bad", "image")),
        ({"image": "UPPER/case"}, None),
        ({"image": "host:5000/a/b:tag"}, None),
        ({"image": "a/b@sha256:" + "0" * 64}, None),
        ({"image": "{vastai}/a/b:c"}, ("image_prefix_unfilled", "image")),
        ({"served_name": ""}, ("served_name_empty", "served_name")),
        ({"served_name": "a b"}, ("served_name_bad", "served_name")),
        ({"served_name": "--x"}, ("served_name_bad", "served_name")),
        ({"container_name": "-x"}, ("container_name_bad", "container_name")),
        ({"container_name": ""}, ("container_name_bad", "container_name")),
        ({"host_port": 0}, ("port_bad", "host_port")),
        ({"host_port": 65535}, None),
        ({"container_port": 65536}, ("port_bad", "container_port")),
        ({"host_ip": "localhost"}, ("host_ip_bad", "host_ip")),
        ({"host_ip": "::1"}, None),
        ({"ipc": None, "shm_size": "64g"}, None),
        ({"ipc": None, "shm_size": "1.5GB"}, None),
        ({"ipc": None, "shm_size": "64 g"}, ("shm_bad", "shm_size")),
        ({"ipc": None, "shm_size": "16gib"}, ("shm_bad", "shm_size")),
        ({"ipc": "hosts"}, ("ipc_bad", "ipc")),
        ({"restart": "on-failure:3"}, None),
        ({"restart": "sometimes"}, ("restart_bad", "restart")),
        ({"env": (("1A", "x"),)}, ("env_name_bad", "env")),
        ({"env": (("A", "1"), ("A", "2"))}, ("env_twice", "env")),
        ({"env": (("VLLM_API_KEY", "x"),)}, ("key_in_env", "env")),
        ({"env": (("HF_TOKEN", "x"),)}, ("env_shown", "env")),
        ({"serve_args": ("tiny",)}, ("args_positional", "serve_args")),
        ({"serve_args": ("--api-key", "x")}, ("key_in_args", "serve_args")),
        ({"serve_args": ("--api_key=x",)}, ("key_in_args", "serve_args")),
        ({"serve_args": ("--port=9000",)}, ("arg_set_elsewhere", "serve_args")),
        ({"serve_args": ("--served_model_name", "x")}, ("arg_set_elsewhere", "serve_args")),
        ({"serve_args": ("--speculative-config", "{method: mtp}")}, ("start_json_argument", "serve_args")),
        ({"with_key": False}, ("service_open", "with_key")),
        ({"with_key": False, "host_ip": "127.0.0.1"}, ("service_open_here", "with_key")),
    ],
)
def test_each_value_is_judged_beside_its_field(changes: dict[str, Any], expected: tuple[str, str] | None) -> None:
    assert codes(replace(REQUEST, **changes)) == ([expected] if expected else [])


# ---------------------------------------------------------------- the folder


def test_a_whole_folder_says_nothing() -> None:
    assert weights() == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "weights_empty"),
        ("models/tiny", "weights_not_absolute"),
        ("/srv/../etc/tiny", "weights_not_absolute"),
        ("/srv/a:b/tiny", "weights_colon"),
        ("/tiny", "weights_at_root"),
        ("/srv/models/none", "weights_missing"),
        (f"{FOLDER}/config.json", "weights_is_file"),
        ("/srv/models", "weights_is_parent"),
        ("/srv", "weights_at_root"),
    ],
)
def test_the_path(path: str, code: str) -> None:
    assert weights(replace(REQUEST, weights=path)) == [code]


def test_the_parent_of_several_models_names_them() -> None:
    probe = FakeHostProbe({"/srv/models/a/config.json": {}, "/srv/models/b/config.json": {}, "/srv/models/c/x": 1})
    (finding,) = weights_findings(replace(REQUEST, weights="/srv/models"), probe)
    assert (finding.code, finding.params["models"], finding.params["first"]) == ("weights_is_parent", "a, b", "a")


def test_a_folder_that_may_not_be_read() -> None:
    probe = host()
    probe.denied.add(FOLDER)
    assert weights(probe=probe) == ["weights_denied"]


def test_what_cannot_be_seen_from_here_only_warns() -> None:
    (finding,) = weights_findings(REQUEST, FakeHostProbe(sees_host=False))
    assert (finding.code, finding.severity) == ("weights_not_visible", Severity.WARN)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"config__json": None, "readme": "x"}, "weights_no_config"),
        ({"model__safetensors": None}, "weights_no_files"),
        ({"tokenizer__json": None}, "weights_no_tokenizer"),
        (
            {"model.safetensors.index__json": {"weight_map": {"a": "1.safetensors", "b": "model.safetensors"}}},
            "weights_incomplete",
        ),
    ],
)
def test_what_is_missing_in_it(files: dict[str, Any], code: str) -> None:
    assert weights(probe=host(**files)) == [code]


def test_another_tokenizer_may_be_named() -> None:
    asked = replace(REQUEST, serve_args=("--tokenizer", "/weights/other"))
    assert weights(asked, host(tokenizer__json=None)) == []


def test_a_link_out_of_the_mounted_folder_leads_nowhere_inside() -> None:
    probe = host()
    probe.links[f"{FOLDER}/config.json"] = "/cache/blobs/config.json"
    (finding,) = weights_findings(REQUEST, probe)
    assert (finding.code, finding.params["target"], finding.params["parent"]) == (
        "weights_link_outside",
        "/cache/blobs",
        "/srv/models",
    )


# ---------------------------------------------------------------- what the model's config says


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--tensor-parallel-size", "8"), []),
        (("--tensor-parallel-size", "3"), ["start_heads_not_divisible"]),
        (("-tp", "32"), ["start_heads_not_divisible"]),
        (("--max-model-len", "8192"), []),
        (("--max-model-len", "8193"), ["start_context_too_long"]),
        (("--max_model_len=131072",), ["start_context_too_long"]),
        (("--max-model-len", "8193", "--hf-overrides", "{}"), []),
    ],
)
def test_the_models_own_limits(args: tuple[str, ...], expected: list[str]) -> None:
    assert weights(replace(REQUEST, serve_args=args)) == expected


def test_limits_of_a_model_inside_another() -> None:
    probe = host(config__json={"text_config": CONFIG})
    assert weights(replace(REQUEST, serve_args=("-tp", "3")), probe) == ["start_heads_not_divisible"]


@pytest.mark.parametrize(
    "config", [{**CONFIG, "rope_scaling": {"factor": 4}}, {"max_position_embeddings": "x"}, {"num_attention_heads": 8}]
)
def test_scaled_positions_are_left_to_vllm(config: dict[str, Any]) -> None:
    assert weights(replace(REQUEST, serve_args=("--max-model-len", "131072")), host(config__json=config)) == []


def test_a_lifted_limit_is_lifted() -> None:
    asked = replace(REQUEST, serve_args=("--max-model-len", "131072"), env=(("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1"),))
    assert weights(asked) == []
