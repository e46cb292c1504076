"""Options of ``seatrial deploy`` as a request: a profile or a command to begin with, then what is set on top."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from core.bootstrap import App
from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.domain.devices import read_devices
from core.errors import BadInput
from core.formats.serve_settings import ServeSettings, read_settings, token_count
from core.ports import EngineInfo
from core.services.catalog import ProfileChoice

_TEXTS = (
    "image", "weights", "served_name", "container_name", "host_ip", "shm_size", "ipc", "restart", "version_label",
)  # fmt: skip
_OTHERS = ("host_port", "container_port", "privileged", "with_key", "platform")
_SERVING = ("tp", "pp", "max_model_len", "trust_remote_code", "enforce_eager", "reasoning_parser", "mtp")
_SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_EMPTY = DeploymentRequest(image="", weights="", served_name="")


def request_of(arguments: argparse.Namespace, app: App) -> tuple[DeploymentRequest, tuple[str, ...]]:
    """The request, and what of a given command it has no place for. Options win over profile and command, ``--set``
    over both. Raises BadInput."""
    start, left = _start(arguments, app)
    told = {name: getattr(arguments, name) for name in (*_TEXTS, *_OTHERS) if getattr(arguments, name) is not None}
    if arguments.arguments_only:
        told["entrypoint"] = EntrypointForm.ARGUMENTS
    if arguments.devices is not None:
        told["devices"] = _devices(arguments.devices)
    told["env"] = tuple({**dict(start.env), **dict(map(_pair, arguments.env))}.items())
    request = replace(start, **told, overrides=tuple(arguments.override))
    if arguments.serve_args:
        settings = read_settings((*request.serve_args, *arguments.serve_args))
        request = replace(request, serve_args=settings.arguments())
    for text in arguments.set:
        request = set_value(request, *_pair(text))
    name = request.served_name or PurePosixPath(request.weights).name
    return replace(request, served_name=name), left


def set_value(request: DeploymentRequest, name: str, text: str) -> DeploymentRequest:
    """One ``--set name=value``: a field of the form, ``env.NAME`` or any vLLM flag as ``--flag``. Raises BadInput
    (set_unknown, set_bad: name, value)."""
    key = name.replace("-", "_").lower() if not name.startswith("-") else name
    if name.startswith("env."):
        env = {**dict(request.env), name.removeprefix("env."): text}
        return replace(request, env=tuple(env.items()))
    if name.startswith("--"):
        words = (name, text) if text else (name,)
        return replace(request, serve_args=read_settings((*request.serve_args, *words)).arguments())
    if key in _SERVING:
        settings = read_settings(request.serve_args)
        changed = replace(settings, **{key: _read(ServeSettings, key, text)})
        return replace(request, serve_args=changed.arguments())
    if key == "tag":
        return replace(request, image=f"{request.image.rpartition(':')[0]}:{text}")
    if key == "devices":
        return replace(request, devices=_devices(text))
    if key in {"host_port", "container_port", "privileged", "with_key", *_TEXTS, "network", "gpus", "pid", "runtime"}:
        return replace(request, **{key: _read(DeploymentRequest, key, text)})
    raise BadInput("set_unknown", field="set", value=name)


def _read(kind: type, key: str, text: str) -> Any:
    reader = _READERS.get(str(kind.__dataclass_fields__[key].type).partition(" |")[0], str)  # type: ignore[attr-defined]
    value = reader(text)
    if value is None:
        raise BadInput("set_bad", field="set", name=key, value=text)
    return value


_READERS: Mapping[str, Callable[[str], Any]] = {
    "int": token_count,
    "bool": lambda text: _SWITCHES.get(text.lower()),
    "str": str,
}


def _start(arguments: argparse.Namespace, app: App) -> tuple[DeploymentRequest, tuple[str, ...]]:
    if arguments.from_command is not None:
        found = app.catalog.paste(_text(arguments.from_command))
        return found.request, found.left
    if arguments.profile is None and arguments.platform is None:
        return _EMPTY, ()
    engine = app.deployments.engine_state()
    choice = ProfileChoice(
        arguments.profile,
        arguments.platform,
        weights=arguments.weights or "",
        architecture=engine.architecture if isinstance(engine, EngineInfo) else None,
    )
    return app.catalog.fill(choice), ()


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("file_unreadable", field="from_command", value=file, detail=str(error)) from error


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise BadInput("env_not_a_pair", field="env", value=text)
    return name, value


def _devices(text: str) -> tuple[int, ...]:
    try:
        return read_devices(text)
    except ValueError as error:
        raise BadInput("devices_bad", field="devices", value=text) from error
