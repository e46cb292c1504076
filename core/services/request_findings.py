"""What can be said of a deployment's request by reading it: each value against what docker and vLLM accept."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from core.domain.deployment import DeploymentRequest
from core.domain.finding import Finding, Severity
from core.formats import vllm_serve

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_SIZE = re.compile(r"(?:\d+(?:\.\d+)?)(?:[bkmgt]b?)?", re.IGNORECASE)
_IPC = re.compile(r"host|private|shareable|none|container:[\w.-]+")
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(?::\d+)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
_SHELL = re.compile(r"\$\([^)]*\)?|`[^`]*`?|\$\{\w+\}|\$[A-Za-z_]\w*")
_OURS = {
    "--host": "host_ip",
    "--port": "container_port",
    "--served-model-name": "served_name",
    "--model": "weights",
}


def request_findings(request: DeploymentRequest) -> Iterator[Finding]:
    """Blocks and warnings, each with its field. Nothing is looked up."""
    yield from _image(request)
    yield from _names(request)
    yield from _ports(request)
    yield from _run_options(request)
    yield from _environment(request)
    yield from _arguments(request)
    yield from _unexpanded(request)
    yield from _key(request)


def _image(request: DeploymentRequest) -> Iterator[Finding]:
    if not request.image:
        yield Finding("image_empty", BLOCK, "image")
    elif "{" in request.image:
        yield Finding("image_prefix_unfilled", BLOCK, "image", {"image": request.image})
    elif not _IMAGE.fullmatch(request.image):
        yield Finding("image_bad", BLOCK, "image", {"image": request.image})


def _names(request: DeploymentRequest) -> Iterator[Finding]:
    if not request.served_name:
        yield Finding("served_name_empty", BLOCK, "served_name")
    elif request.served_name.startswith("-") or any(character.isspace() for character in request.served_name):
        yield Finding("served_name_bad", BLOCK, "served_name", {"value": request.served_name})
    if not _NAME.fullmatch(request.container_name):
        yield Finding("container_name_bad", BLOCK, "container_name", {"value": request.container_name})


def _ports(request: DeploymentRequest) -> Iterator[Finding]:
    for field, port in (("host_port", request.host_port), ("container_port", request.server_port)):
        if field == "container_port" and request.on_host_network:
            continue
        if not 0 < port < 65536:
            yield Finding("port_bad", BLOCK, field, {"port": port})
    unused = request.container_port not in {request.server_port, DeploymentRequest.container_port}
    if request.on_host_network and unused:
        params: dict[str, str | int | float | bool | None] = {
            "port": request.server_port,
            "unused": request.container_port,
        }
        yield Finding("container_port_unused", NOTE, "container_port", params)
    if request.host_ip and _ip(request.host_ip) is None:
        yield Finding("host_ip_bad", BLOCK, "host_ip", {"value": request.host_ip})


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _run_options(request: DeploymentRequest) -> Iterator[Finding]:
    if request.shm_size and not _SIZE.fullmatch(request.shm_size):
        yield Finding("shm_bad", BLOCK, "shm_size", {"value": request.shm_size})
    elif request.shm_size and request.ipc == "host":
        yield Finding("shm_with_host_ipc", NOTE, "shm_size", {"value": request.shm_size})
    if request.ipc and not _IPC.fullmatch(request.ipc):
        yield Finding("ipc_bad", BLOCK, "ipc", {"value": request.ipc})
    if request.restart and not _RESTART.fullmatch(request.restart):
        yield Finding("restart_bad", BLOCK, "restart", {"value": request.restart})


def _environment(request: DeploymentRequest) -> Iterator[Finding]:
    names = [name for name, _ in request.env]
    for name in dict.fromkeys(names):
        if not _VARIABLE.fullmatch(name):
            yield Finding("env_name_bad", BLOCK, "env", {"name": name})
        elif names.count(name) > 1:
            yield Finding("env_twice", BLOCK, "env", {"name": name})
        elif name == vllm_serve.KEY_VARIABLE:
            yield Finding("key_in_env", BLOCK, "env", {"name": name})
        elif _SECRET.search(name):
            yield Finding("env_shown", WARN, "env", {"name": name})


def _arguments(request: DeploymentRequest) -> Iterator[Finding]:
    args = request.serve_args
    if args and not args[0].startswith("-"):
        yield Finding("args_positional", BLOCK, "serve_args", {"value": args[0]})
    flags = [arg.split("=", 1)[0].replace("_", "-") for arg in args if arg.startswith("--")]
    for flag in dict.fromkeys(flags):
        if flag in _OURS:
            yield Finding("arg_set_elsewhere", BLOCK, "serve_args", {"flag": flag, "field": _OURS[flag]})
        elif flag == "--api-key":
            yield Finding("key_in_args", BLOCK, "serve_args", {"flag": flag})
    for bad in vllm_serve.bad_json(args):
        yield Finding("start_json_argument", BLOCK, "serve_args", {"flag": bad.flag, "value": bad.value})


def _unexpanded(request: DeploymentRequest) -> Iterator[Finding]:
    """What a shell would have filled in is text here."""
    places = {
        "env": [value for _, value in request.env],
        "serve_args": [word for word in request.serve_args if not word.startswith("{")],
        "weights": [request.weights],
        "image": [request.image],
    }
    for field, words in places.items():
        found = next((match for word in words if (match := _SHELL.search(word))), None)
        if found is not None:
            yield Finding("shell_is_text", WARN, field, {"text": found[0]})


def _key(request: DeploymentRequest) -> Iterator[Finding]:
    if request.with_key:
        return
    address = _ip(request.host_ip) if request.host_ip else None
    alone = address is not None and address.is_loopback
    yield Finding("service_open_here" if alone else "service_open", NOTE if alone else WARN, "with_key")
