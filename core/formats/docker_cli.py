"""``docker run``: written from a ContainerSpec, in the order of the vendor's guide, and read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.errors import BadInput
from core.formats import shell
from core.formats.docker_flags import ALONE, SHORT, WITH_VALUE

T = TypeVar("T")
LABEL_PREFIX = "seatrial."
TEXT_LIMIT_KIB = 64
_RUN = re.compile(r"(?:^|(?<=[\s;&|$]))(?:sudo\s+)?(?:docker|podman|nerdctl)\s+(?:container\s+)?run(?=[\s\\]|$)")
_PROMPTS = ("$", "#", ">")
"""How ends what a terminal writes before a command on its line."""
_FENCE = re.compile(r"^[ \t]*```[^\n]*$|```$", re.MULTILINE)
"""Around a block of commands in a document: what stands outside of it is no command."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TRUE = {"": True, "true": True, "1": True, "t": True, "false": False, "0": False, "f": False}

# ---------------------------------------------------------------- writing


def render(spec: ContainerSpec) -> list[str]:
    """The argv of ``docker run``. A secret variable stands there by name only: docker takes its value from the
    environment of whoever runs the line."""
    return [word for group in _groups(spec) for word in group]


def render_shell(spec: ContainerSpec) -> str:
    """The same as text for a terminal, an option on each line; a shell reads exactly ``render(spec)``."""
    return shell.lines(_groups(spec))


def option_texts(spec: ContainerSpec) -> tuple[str, ...]:
    """Each option between ``docker run`` and the image, as a shell would be given it."""
    return tuple(shell.join(group) for group in _options(spec))


def as_guide(spec: ContainerSpec) -> ContainerSpec:
    """Without what a deployment adds: in the foreground, no restart policy, no labels of ours, no key."""
    labels = {name: value for name, value in spec.labels.items() if not name.startswith(LABEL_PREFIX)}
    return replace(spec, detach=False, restart=None, labels=labels, secret_env={})


def additions(spec: ContainerSpec) -> tuple[str, ...]:
    """What ``as_guide`` leaves out, each as it is shown on its line of ``render_shell``."""
    plain = set(option_texts(as_guide(spec)))
    added = tuple(text for text in option_texts(spec) if text not in plain)
    return ("-d", *added) if spec.detach else added


def _groups(spec: ContainerSpec) -> list[list[str]]:
    groups = [["docker", "run", *(["-d"] if spec.detach else [])], *_options(spec)]
    command = list(_command_groups(spec.command))
    first = command.pop(0) if command and not command[0][0].startswith("-") else None
    groups.append([spec.image])
    return [*groups, *([first] if first else []), *command]


def _options(spec: ContainerSpec) -> Iterator[list[str]]:
    if spec.privileged:
        yield ["--privileged=true"]
    if spec.shm_size:
        yield [f"--shm-size={spec.shm_size}"]
    if spec.name:
        yield ["--name", spec.name]
    yield from (["-v", _mount_text(mount)] for mount in spec.mounts)
    yield from (["-p", _port_text(port)] for port in spec.ports if spec.network != "host")
    for flag, value in (("--ipc", spec.ipc), ("--network", spec.network), ("--pid", spec.pid)):
        if value:
            yield [f"{flag}={value}"]
    yield from _device_options(spec)
    yield from (["-e", f"{name}={value}"] for name, value in spec.env.items())
    yield from (["-e", name] for name in spec.secret_env)
    if spec.restart:
        yield ["--restart", spec.restart]
    yield from (["--label", f"{name}={value}"] for name, value in spec.labels.items())


def _device_options(spec: ContainerSpec) -> Iterator[list[str]]:
    if spec.runtime:
        yield ["--runtime", spec.runtime]
    if spec.gpus:
        yield ["--gpus", _gpus_text(spec.gpus)]
    lists = {
        "--device": spec.devices,
        "--group-add": spec.group_add,
        "--cap-add": spec.cap_add,
        "--security-opt": spec.security_opt,
        "--ulimit": spec.ulimits,
    }
    for flag, values in lists.items():
        yield from ([flag, value] for value in values)


def _command_groups(command: tuple[str, ...]) -> Iterator[list[str]]:
    """Each flag with the words after it, so that a line of the text holds one argument."""
    group: list[str] = []
    for word in command:
        if word.startswith("--") and group:
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _mount_text(mount: BindMount) -> str:
    return f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"


def _port_text(port: PublishedPort) -> str:
    host = f"[{port.host_ip}]" if port.host_ip and ":" in port.host_ip else port.host_ip
    return f"{f'{host}:' if host else ''}{port.host_port}:{port.container_port}"


def _gpus_text(gpus: str) -> str:
    """The CLI reads the value as CSV, in which a list of devices has to be quoted once more."""
    return f'"{gpus}"' if gpus.startswith("device=") and "," in gpus else gpus


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class ReadCommand:
    """``not_understood``: options, and whatever stood before or after the command in its block, verbatim."""

    spec: ContainerSpec
    not_understood: tuple[str, ...] = ()


def parse(text: str) -> ReadCommand:
    """The first ``docker run`` in ``text``. Variables (``$HOME``) and substitutions are text, never expanded; an
    ``-e NAME`` without a value becomes a secret variable without a reference. Raises BadInput: command_too_long
    (limit_kib), command_not_docker_run, command_unbalanced (quote), command_no_image."""
    if len(text) > TEXT_LIMIT_KIB * 1024:
        raise BadInput("command_too_long", field="command", limit_kib=TEXT_LIMIT_KIB)
    text = text.replace("\r\n", "\n")
    found = _RUN.search(text)
    if found is None:
        raise BadInput("command_not_docker_run", field="command", value=text.strip()[:80])
    try:
        command = shell.first_command(text[found.end() :])
    except shell.ShellError as error:
        raise BadInput("command_unbalanced", field="command", quote=str(error)) from error
    reader = _OptionReader(command.words)
    spec = reader.read()
    around = (_before(text[: found.start()]), *reader.not_understood, _FENCE.split(command.rest)[0].strip())
    return ReadCommand(spec, tuple(part for part in around if part))


def _before(text: str) -> str:
    above, _, line = _FENCE.split(text)[-1].rpartition("\n")
    return (above if line.rstrip().endswith(_PROMPTS) else f"{above}\n{line}").strip()


@dataclass
class _Fields:
    mounts: list[BindMount] = field(default_factory=list)
    ports: list[PublishedPort] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    secret_env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)


_TEXT_FLAGS = {
    "--name": "name",
    "--shm-size": "shm_size",
    "--ipc": "ipc",
    "--network": "network",
    "--net": "network",
    "--pid": "pid",
    "--restart": "restart",
    "--runtime": "runtime",
    "--gpus": "gpus",
}
_LIST_FLAGS = {
    "--device": "devices",
    "--group-add": "group_add",
    "--cap-add": "cap_add",
    "--security-opt": "security_opt",
    "--ulimit": "ulimits",
}
_SWITCHES = {"--privileged": "privileged", "--detach": "detach"}


class _OptionReader:
    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = list(words)
        self._fields = _Fields()
        self.not_understood: list[str] = []

    def read(self) -> ContainerSpec:
        while self._words and self._words[0].startswith("-"):
            word = self._words.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                self._long(word)
            else:
                self._short(word)
        if not self._words:
            raise BadInput("command_no_image", field="command")
        return self._spec(self._words[0], tuple(self._words[1:]))

    def _long(self, word: str) -> None:
        flag, equals, value = word.partition("=")
        if flag in ALONE:
            self._switch(flag, value.lower(), word)
        elif flag in WITH_VALUE:
            if equals:
                self._value(flag, value, word)
            else:
                self._next_value(flag, word)
        else:
            self.not_understood.append(word)

    def _next_value(self, flag: str, written: str) -> None:
        if self._words:
            value = self._words.pop(0)
            self._value(flag, value, shell.join([written, value]))
        else:
            self.not_understood.append(written)

    def _short(self, word: str) -> None:
        """A cluster: -itd, -p8000:8000, -dp 8000:8000, -e=A=1."""
        letters = word[1:]
        for index, letter in enumerate(letters):
            flag = SHORT.get(f"-{letter}")
            if flag is None:
                self.not_understood.append(word)
                return
            if flag in ALONE:
                self._switch(flag, "", f"-{letter}")
                continue
            attached = letters[index + 1 :].removeprefix("=")
            if attached:
                self._value(flag, attached, f"-{letter}{letters[index + 1 :]}")
            else:
                self._next_value(flag, f"-{letter}")
            return

    def _switch(self, flag: str, value: str, written: str) -> None:
        if flag in _SWITCHES and value in _TRUE:
            self._fields.switches[_SWITCHES[flag]] = _TRUE[value]
        else:
            self.not_understood.append(written)

    def _value(self, flag: str, value: str, written: str) -> None:
        fields = self._fields
        if flag in _TEXT_FLAGS:
            fields.texts[_TEXT_FLAGS[flag]] = value.strip('"') if flag == "--gpus" else value
        elif flag in _LIST_FLAGS:
            fields.lists.setdefault(_LIST_FLAGS[flag], []).append(value)
        elif not self._structured(flag, value):
            self.not_understood.append(written)

    def _structured(self, flag: str, value: str) -> bool:
        fields = self._fields
        if flag == "--env":
            return _read_variable(value, fields)
        if flag == "--label":
            name, _, text = value.partition("=")
            fields.labels[name] = text
            return True
        if flag == "--publish":
            return _add(fields.ports, _read_port(value))
        if flag == "--volume":
            return _add(fields.mounts, _read_volume(value))
        return flag == "--mount" and _add(fields.mounts, _read_mount(value))

    def _spec(self, image: str, command: tuple[str, ...]) -> ContainerSpec:
        fields = self._fields
        texts: Mapping[str, str] = fields.texts
        lists = {name: tuple(values) for name, values in fields.lists.items()}
        return replace(
            ContainerSpec(
                name=texts.get("name", ""),
                image=image,
                command=command,
                mounts=tuple(fields.mounts),
                ports=tuple(fields.ports),
                env=fields.env,
                secret_env=fields.secret_env,
                privileged=fields.switches.get("privileged", False),
                labels=fields.labels,
                detach=fields.switches.get("detach", False),
            ),
            **{name: value for name, value in texts.items() if name != "name"},  # type: ignore[arg-type]
            **lists,  # type: ignore[arg-type]
        )


def _add(items: list[T], item: T | None) -> bool:
    if item is not None:
        items.append(item)
    return item is not None


def _read_variable(text: str, fields: _Fields) -> bool:
    name, equals, value = text.partition("=")
    if not _VARIABLE.fullmatch(name):
        return False
    if equals:
        fields.env[name] = value
    else:
        fields.secret_env[name] = ""
    return True


def _read_port(text: str) -> PublishedPort | None:
    """``[ip:]host:container[/tcp]``; ranges, UDP and a port for docker to choose are not held."""
    match = re.fullmatch(r"(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?(\d{1,5}):(\d{1,5})(?:/tcp)?", text)
    if match is None or not all(0 < int(port) < 65536 for port in match.group(2, 3)):
        return None
    host_ip = match[1].strip("[]") if match[1] else None
    return PublishedPort(int(match[2]), int(match[3]), host_ip)


def _read_volume(text: str) -> BindMount | None:
    """A bind of a host folder; a named volume is not held."""
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    flags = set(options.split(",")) - {"", "rw", "z", "Z"}
    if not source.startswith(("/", "~", ".", "$")) or not target.startswith("/") or flags - {"ro"}:
        return None
    return BindMount(source, target, "ro" in flags)


def _read_mount(text: str) -> BindMount | None:
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    source = pairs.pop("source", None) or pairs.pop("src", None)
    target = next((pairs.pop(name) for name in ("target", "destination", "dst") if name in pairs), None)
    read_only = [pairs.pop(name) in {"", "true", "1"} for name in ("readonly", "ro") if name in pairs]
    if pairs.pop("type", "volume") != "bind" or pairs or not source or not target:
        return None
    return BindMount(source, target, any(read_only))
