"""Two containers side by side: every option, variable and argument that is not the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.domain.container import ContainerSpec
from core.formats import vllm_serve

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([bkmgt]?)b?", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SECRET = "***"


@dataclass(frozen=True)
class Difference:
    """``name`` as docker or vLLM spell it; None: not there."""

    name: str
    before: str | None
    after: str | None


def differences(before: ContainerSpec, after: ContainerSpec) -> tuple[Difference, ...]:
    """In the order of a command. Labels, the way it was started and values of secrets are no difference."""
    old, new = options(before), options(after)
    names = dict.fromkeys([*old, *new])
    return tuple(
        Difference(name, old.get(name), new.get(name))
        for name in names
        if not _same(name, old.get(name), new.get(name))
    )


def options(spec: ContainerSpec) -> Mapping[str, str]:
    """Each option by its name, flat."""
    return dict(_options(spec))


def _options(spec: ContainerSpec) -> Iterator[tuple[str, str]]:
    plain = {
        "image": spec.image,
        "--name": spec.name,
        "--privileged": "true" if spec.privileged else None,
        "--shm-size": spec.shm_size,
        "--ipc": spec.ipc,
        "--network": spec.network,
        "--pid": spec.pid,
        "--restart": spec.restart if spec.restart != "no" else None,
        "--runtime": spec.runtime,
        "--gpus": spec.gpus,
    }
    yield from ((name, value) for name, value in plain.items() if value)
    for mount in spec.mounts:
        yield f"-v {mount.target.rstrip('/')}", f"{mount.source}{':ro' if mount.read_only else ''}"
    for port in spec.ports if spec.network != "host" else ():
        yield f"-p {port.container_port}", f"{f'{port.host_ip}:' if port.host_ip else ''}{port.host_port}"
    yield from ((f"-e {name}", value) for name, value in spec.env.items())
    yield from ((f"-e {name}", SECRET) for name in spec.secret_env)
    lists = {
        "--device": spec.devices,
        "--group-add": spec.group_add,
        "--cap-add": spec.cap_add,
        "--security-opt": spec.security_opt,
        "--ulimit": spec.ulimits,
    }
    yield from ((name, " ".join(sorted(values))) for name, values in lists.items() if values)
    yield from _command(spec)


def _command(spec: ContainerSpec) -> Iterator[tuple[str, str]]:
    words, _ = vllm_serve.without_key(spec.command)
    for group in vllm_serve.split_flags(words):
        flag, equals, value = group[0].partition("=")
        if flag.startswith("-"):
            yield flag.replace("_", "-"), " ".join([value, *group[1:]] if equals else group[1:])
        else:
            yield "command", " ".join(group)


def _same(name: str, before: str | None, after: str | None) -> bool:
    if name == "--shm-size" and before and after:
        return _bytes(before) == _bytes(after)
    return before == after


def _bytes(text: str) -> float | None:
    match = _SIZE.fullmatch(text.strip())
    return float(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else None
