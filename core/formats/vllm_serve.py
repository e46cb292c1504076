"""``vllm serve``: its arguments for a deployment, and read back from a container's command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from core.domain.deployment import DeploymentRequest, EntrypointForm

WEIGHTS_MOUNT = "/weights/"
"""Where the guide mounts the folder that holds the models' folders."""
KEY_VARIABLE = "VLLM_API_KEY"
"""vLLM takes the key it asks for from here, so that it stands in no argument."""
LISTEN = "0.0.0.0"
_SERVER_MODULE = "vllm.entrypoints.openai.api_server"
_OURS = {"--host", "--port", "--served-model-name", "--model"}
_FLAG = re.compile(r"--?[A-Za-z]")


def weights_in_container(weights: str) -> str:
    """The path that a model's folder has inside the container: its parent is what is mounted."""
    return f"{WEIGHTS_MOUNT}{PurePosixPath(weights).name}"


def argv(request: DeploymentRequest) -> tuple[str, ...]:
    """What follows the image, in the guide's order: the weights, the request's own arguments, host, port, name. An
    image that takes only arguments (its entrypoint is the server) gets no ``vllm serve``. On the host's network nothing
    stands between the server and the network: it listens where the service is to be reached."""
    path = weights_in_container(request.weights)
    start = ("--model", path) if request.entrypoint is EntrypointForm.ARGUMENTS else ("vllm", "serve", path)
    name = ("--served-model-name", request.served_name)
    listen = (request.host_ip if request.on_host_network else None) or LISTEN
    return (*start, *request.serve_args, "--host", listen, "--port", str(request.server_port), *name)


@dataclass(frozen=True)
class ServeCommand:
    """A server's command, read. ``args`` are the arguments that the service does not set itself, in their order;
    ``stray``: words behind the model that belong to none of them."""

    model: str | None
    served_names: tuple[str, ...]
    port: int
    host: str | None
    args: tuple[str, ...]
    entrypoint: EntrypointForm
    stray: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The id that the API answers to: the first served name, else the model's path as it was given."""
        return self.served_names[0] if self.served_names else self.model


def parse(command: Sequence[str]) -> ServeCommand | None:
    """Reads ``vllm serve MODEL ...``, ``python -m vllm.entrypoints.openai.api_server --model MODEL ...`` or the bare
    arguments of an image whose entrypoint is the server. None where it is none of these."""
    started = _arguments(command)
    if started is None:
        return None
    words, form = started
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    positional = [words.pop(0)] if words and not words[0].startswith("-") else []
    stray = tuple(takewhile(lambda word: not _FLAG.match(word), words))
    for flag, values in _flags(words):
        name = flag.replace("_", "-")
        if name in _OURS:
            found[name] = values
        else:
            rest += [flag, *values]
    port = _first(found.get("--port")) or "8000"
    return ServeCommand(
        model=_first(positional or found.get("--model")),
        served_names=tuple(found.get("--served-model-name", ())),
        port=int(port) if port.isdecimal() else 8000,
        host=_first(found.get("--host")),
        args=tuple(rest),
        entrypoint=form,
        stray=stray,
    )


def _first(values: Sequence[str] | None) -> str | None:
    return values[0] if values else None


def _arguments(command: Sequence[str]) -> tuple[list[str], EntrypointForm] | None:
    words = list(command)
    if len(words) > 1 and PurePosixPath(words[0]).name == "vllm" and words[1] == "serve":
        return words[2:], EntrypointForm.COMMAND
    if _SERVER_MODULE in words[:3]:
        return words[words.index(_SERVER_MODULE) + 1 :], EntrypointForm.COMMAND
    if words and words[0].startswith("--"):
        return words, EntrypointForm.ARGUMENTS
    return None


def _flags(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each flag with its values. ``--flag=value`` is kept whole unless the flag is one of ours."""
    flag, values = "", list[str]()
    for word in words:
        if not _FLAG.match(word):
            values.append(word)
            continue
        if flag:
            yield flag, values
        name, equals, value = word.partition("=")
        ours = equals and name.replace("_", "-") in _OURS
        flag, values = (name, [value]) if ours else (word, [])
    if flag:
        yield flag, values


def split_flags(args: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Each flag with the words after it, as they were given; words before the first flag stand alone."""
    group: list[str] = []
    for word in args:
        if _FLAG.match(word) and group:
            yield tuple(group)
            group = []
        group.append(word)
    if group:
        yield tuple(group)


_LONG = {"-ep": "--enable-expert-parallel"}
"""Short names of flags that a rule speaks of (vLLM, engine/arg_utils.py); sizes have theirs where they are read."""


def long_names(args: Sequence[str]) -> tuple[str, ...]:
    """The arguments with such flags by their long names."""
    return tuple(_LONG.get(word, word) for word in args)


def without_key(command: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """A command without the value of ``--api-key``, and that value where there is one."""
    words, key = list(command), None
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") != "--api-key":
            continue
        if equals:
            words[index], key = f"{name}=***", value
        elif index + 1 < len(words):
            words[index + 1], key = "***", words[index + 1]
    return tuple(words), key


@dataclass(frozen=True)
class BadJson:
    """An argument whose value has to be JSON and is not."""

    flag: str
    value: str


def bad_json(args: Sequence[str]) -> tuple[BadJson, ...]:
    """Every value that begins like JSON, or belongs to a flag that takes nothing else, and cannot be read."""
    return tuple(BadJson(flag, value) for flag, value in flag_values(args) if _is_bad_json(flag, value))


_JSON_FLAGS = {"--speculative-config", "-sc", "--hf-overrides", "--kv-transfer-config", "--media-io-kwargs"}


def _is_bad_json(flag: str, value: str) -> bool:
    if flag.replace("_", "-") not in _JSON_FLAGS and not value.startswith(("{", "[")):
        return False
    try:
        json.loads(value)
    except ValueError:
        return True
    return False


def flag_values(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(flag, value) for every flag that has one, in either spelling; underscores as dashes."""
    for flag, values in _flags(args):
        name, equals, value = flag.partition("=")
        for item in [value] if equals else values[:1]:
            yield name.replace("_", "-"), item


def int_argument(args: Sequence[str], *names: str) -> int | None:
    """The last whole number given to one of ``names``; None where there is none (``32k`` is not read)."""
    found = [int(value) for flag, value in flag_values(args) if flag in names and value.isdecimal()]
    return found[-1] if found else None
