"""A container of Open WebUI: the guide's settings, and what it gets wrong put right.

The guide names the weights' folder as the default model (only the served name is one), "cn" as the language (no such
locale: the page falls back to English), leaves the first visitor to become administrator, and every hidden call on.
Most of these values are read once, while the volume is empty; afterwards what lies in the volume wins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.webui import Network, Upstream, WebUiStartRequest, is_published

LABEL = "seatrial.deployment"
KIND_LABEL = "seatrial.webui"
DATA_FOLDER = "/app/backend/data"
ADMIN_NAME = "Admin"
_INNER_PORT = 8080
PASSWORD, SECRET_KEY, UPSTREAM_KEYS = "WEBUI_ADMIN_PASSWORD", "WEBUI_SECRET_KEY", "OPENAI_API_KEYS"
_REFS = {PASSWORD: "password", SECRET_KEY: "secret_key", UPSTREAM_KEYS: "upstream_keys"}


def secret_ref(webui_id: str, variable: str) -> str:
    """Where the value of a secret variable lies."""
    return f"webui/{webui_id}/{_REFS[variable]}"


def volume_ref(volume: str, variable: str) -> str:
    """Where the value lies that belongs to a volume, once its container is gone."""
    return f"webui-volume/{volume}/{_REFS[variable]}"


def container_spec(request: WebUiStartRequest, upstreams: Sequence[Upstream], webui_id: str) -> ContainerSpec:
    """Detached, with a named volume, its label, and every secret by environment."""
    on_host = request.network is Network.HOST
    made = not is_published(request.email, request.password)  # a volume may have no account, and would get this one
    secret_variables = (*([PASSWORD] if made else []), SECRET_KEY, *([UPSTREAM_KEYS] if upstreams else []))
    return ContainerSpec(
        name=request.container_name,
        image=request.image,
        mounts=(BindMount(request.volume, DATA_FOLDER),),
        ports=() if on_host else (PublishedPort(request.port, _INNER_PORT),),
        network="host" if on_host else None,
        env=_environment(request, upstreams),
        secret_env={name: secret_ref(webui_id, name) for name in secret_variables},
        restart=request.restart or None,
        labels={LABEL: webui_id, KIND_LABEL: webui_id},
    )


def upstream_keys(upstreams: Sequence[Upstream]) -> str:
    """The value of OPENAI_API_KEYS: one each, in order."""
    return ";".join(upstream.key for upstream in upstreams)


def _environment(request: WebUiStartRequest, upstreams: Sequence[Upstream]) -> dict[str, str]:
    env = {"ENABLE_OLLAMA_API": "False"}
    if request.network is Network.HOST:
        env["PORT"] = str(request.port)
    if request.locale:
        env["DEFAULT_LOCALE"] = request.locale
    if not is_published(request.email, request.password):
        env |= {"WEBUI_ADMIN_EMAIL": request.email, "WEBUI_ADMIN_NAME": ADMIN_NAME}
    if upstreams:
        env |= _connections(request, upstreams)
    if request.wishes.quiet:
        names = ("TITLE", "TAGS", "FOLLOW_UP", "AUTOCOMPLETE", "SEARCH_QUERY", "RETRIEVAL_QUERY")
        env |= {f"ENABLE_{name}_GENERATION": "False" for name in names}
    if any(upstream.parses_tools is not True for upstream in upstreams):
        env["DEFAULT_MODEL_METADATA"] = json.dumps({"capabilities": {"builtin_tools": False}}, separators=(",", ":"))
    if request.wishes.publish:
        env["BYPASS_MODEL_ACCESS_CONTROL"] = "True"
    if request.wishes.user_connections is not None:
        env["ENABLE_DIRECT_CONNECTIONS"] = str(request.wishes.user_connections)
    if request.offline:
        env |= {"OFFLINE_MODE": "True", "HF_HUB_OFFLINE": "1", "RAG_EMBEDDING_MODEL": ""}
    return env


def _connections(request: WebUiStartRequest, upstreams: Sequence[Upstream]) -> dict[str, str]:
    configs = {
        str(index): {"enable": True, "connection_type": "local", "model_ids": [upstream.served_name]}
        for index, upstream in enumerate(upstreams)
    }
    return {
        "OPENAI_API_BASE_URLS": ";".join(upstream.url for upstream in upstreams),
        "OPENAI_API_CONFIGS": json.dumps(configs, separators=(",", ":")),
        "DEFAULT_MODELS": upstreams[0].served_name,
    }
