"""The ContainerEngine port over the Docker SDK.

Containers are created and then started, never "run": on a missing image the SDK's run pulls from the public registry
by itself. A start that fails leaves a created container holding the name, so it is removed in the same step.
"""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container
from docker.utils import parse_repository_tag

from core.adapters.docker_errors import connecting, docker_errors, pull_error
from core.adapters.docker_exec import VARIABLE, kill_argv, parse_read, read_argv, start_argv
from core.adapters.docker_logs import LogReader
from core.adapters.docker_specs import spec_view
from core.adapters.docker_views import engine_view, image_view, loaded_names, view
from core.domain.container import ContainerSpec, ContainerView
from core.domain.host import ImageFacts
from core.domain.registry import PullSource
from core.errors import AppError, EngineError, EngineUnavailable, ImageMissing, NotFoundError, PortTaken
from core.formats.docker_sdk import create_kwargs
from core.ports import EngineInfo, ExecResult

DEPLOYMENT_LABEL = "seatrial.deployment"
RECONNECT_S = 0.2


class DockerEngine:
    """One engine. Connects when first asked, and again after it was away; may be used from several threads."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        quick_s: int = 15,
        patient_s: int = 300,
        source: Callable[[str], PullSource] = PullSource,
    ) -> None:
        """``base_url``: as DOCKER_HOST has it; None: the environment's, or the local socket. How long the engine may be
        silent: ``quick_s`` when it is asked something, ``patient_s`` when it is told to start, stop or pull.
        ``source``: under which name, and as whom, an image is pulled."""
        self._base_url = base_url
        self._source = source
        self._quick_s, self._patient_s = quick_s, patient_s
        self._clients: dict[int, docker.DockerClient] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------ engine and images

    def info(self) -> EngineInfo:
        """Raises EngineUnavailable."""
        with docker_errors():
            return engine_view(self._client().info())

    def image_digest(self, image: str) -> str | None:
        """The image's id if it is here, else None."""
        try:
            with docker_errors(image=image):
                return str(self._client().images.get(image).id)
        except (ImageMissing, NotFoundError):
            return None

    def image(self, image: str) -> ImageFacts | None:
        """See the port."""
        try:
            with docker_errors(image=image):
                return image_view(self._client().images.get(image).attrs)
        except (ImageMissing, NotFoundError):
            return None

    def list_images(self) -> tuple[ImageFacts, ...]:
        """By name."""
        with docker_errors():
            found = map(image_view, self._client().api.images())
        return tuple(sorted((one for one in found if one.names), key=lambda one: one.names))

    def pull(self, image: str) -> Iterator[tuple[int, int | None]]:
        """Bytes done and total over all layers that are known so far. Raises ImageMissing, EngineError pull_failed,
        registry_denied."""
        source = self._source(image)
        reference, login = source.reference, source.login
        repository, tag = parse_repository_tag(reference)
        layers: dict[str, tuple[int, int]] = {}
        auth = {"username": login.user, "password": login.password} if login else None
        with docker_errors(image=image, otherwise="pull_failed"):
            # Without a tag the engine would pull every tag there is.
            api = self._client(patient=True).api
            for event in api.pull(repository, tag=tag or "latest", stream=True, decode=True, auth_config=auth):
                if "error" in event:
                    raise pull_error(image, str(event["error"]))
                detail = event.get("progressDetail") or {}
                if detail.get("total"):
                    layers[str(event.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
                    yield sum(done for done, _ in layers.values()), sum(total for _, total in layers.values())
        if reference != image:
            self.tag(reference, image)

    def in_registry(self, image: str) -> bool:
        """See the port. The engine asks, so that its own proxies and mirrors hold."""
        source = self._source(image)
        login = source.login
        auth = {"username": login.user, "password": login.password} if login else None
        try:
            with docker_errors(image=image, otherwise="registry_silent"):
                self._client().api.inspect_distribution(source.reference, auth)  # type: ignore[no-untyped-call]
        except (ImageMissing, NotFoundError):
            return False
        return True

    def load(self, tar: Iterator[bytes]) -> tuple[str, ...]:
        """See the port. The engine reads while the tar is sent."""
        with docker_errors(otherwise="image_load_failed"):
            events = self._client(patient=True).api.load_image(tar)  # type: ignore[no-untyped-call]
            said = [event for event in events if event]
        failed = next((str(event["error"]) for event in said if "error" in event), None)
        if failed is not None:
            raise EngineError("image_load_failed", detail=failed)
        return loaded_names(str(event.get("stream") or "") for event in said)

    def tag(self, image: str, name: str) -> None:
        """See the port."""
        repository, tag = parse_repository_tag(name)
        with docker_errors(image=image):
            self._client().images.get(image).tag(repository, tag or "latest")

    # ------------------------------------------------------------ containers

    def create_or_adopt(self, spec: ContainerSpec, secrets: Mapping[str, str]) -> ContainerView:
        """Raises EngineUnavailable, ImageMissing, NameTaken, PortTaken, ContainerFailed (mount_missing, device_missing,
        container_command_missing), NotFoundError (a network)."""
        container = self._deployed(spec.labels[DEPLOYMENT_LABEL])
        if container is None:
            with docker_errors(spec.name, spec.image):
                container = self._client(patient=True).containers.create(**create_kwargs(spec, secrets))
        if container.status == "created":
            self._start_or_remove(container, spec)
        return self.get(str(container.id))

    def get(self, container_id: str) -> ContainerView:
        """Raises NotFoundError."""
        return view(self._container(container_id).attrs)

    def describe(self, container_id: str) -> ContainerSpec:
        """Raises NotFoundError."""
        attrs = self._container(container_id).attrs
        image_env: Sequence[str] = ()
        with suppress(ImageMissing, NotFoundError), docker_errors(image=str(attrs.get("Image"))):
            image_env = self._client().images.get(attrs["Image"]).attrs.get("Config", {}).get("Env") or ()
        with docker_errors():
            runtime = str(self._client().info().get("DefaultRuntime") or "runc")
        return spec_view(attrs, image_env, runtime)

    def run_once(self, image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        """Raises ImageMissing, EngineError (one_shot_timeout: image, timeout_s)."""
        with docker_errors(image=image):
            container = self._client(patient=True).containers.create(
                image, entrypoint=[argv[0]], command=list(argv[1:]), network_mode="none"
            )
        try:
            with docker_errors(image=image):
                container.start()
                code = int(container.wait(timeout=timeout_s)["StatusCode"])
                return ExecResult(code, bytes(container.logs()).decode("utf-8", "replace"))
        except EngineUnavailable as error:
            raise EngineError("one_shot_timeout", image=image, timeout_s=timeout_s) from error
        finally:
            with docker_errors(image=image):
                container.remove(v=True, force=True)

    def list(self, label: str | None = None) -> tuple[ContainerView, ...]:
        """All containers, also stopped ones; ``label``: a key, or key=value."""
        with docker_errors():
            found = self._client().containers.list(
                all=True, filters={"label": label} if label else {}, ignore_removed=True
            )
        return tuple(view(container.attrs) for container in found)

    def start(self, container_id: str) -> None:
        """Does nothing to one that runs. Raises what create_or_adopt raises at its start."""
        container = self._container(container_id, patient=True)
        try:
            with docker_errors(_name(container)):
                container.start()
        except PortTaken as error:
            raise self._with_owner(error) from error

    def stop(self, container_id: str, timeout_s: int = 10) -> None:
        """TERM, ``timeout_s``, KILL. Does nothing to one that is stopped."""
        container = self._container(container_id, patient=True)
        with docker_errors(_name(container)):
            container.stop(timeout=timeout_s)

    def restart(self, container_id: str) -> None:
        """Stop, then start."""
        container = self._container(container_id, patient=True)
        with docker_errors(_name(container)):
            container.restart(timeout=10)

    def remove(self, container_id: str, force: bool = False) -> None:
        """With its anonymous volumes. Raises EngineError for one that runs, unless ``force``."""
        container = self._container(container_id, patient=True)
        with docker_errors(_name(container)):
            container.remove(v=True, force=force)

    # ------------------------------------------------------------ volumes

    def has_volume(self, name: str) -> bool:
        """See the port."""
        try:
            with docker_errors(name):
                self._client().volumes.get(name)
        except NotFoundError:
            return False
        return True

    def remove_volume(self, name: str) -> None:
        """See the port. Raises EngineError where a container still uses it."""
        with suppress(NotFoundError), docker_errors(name):
            self._client(patient=True).volumes.get(name).remove()

    # ------------------------------------------------------------ logs

    def logs_tail(self, container_id: str, lines: int = 200) -> str:
        """The last lines of stdout and stderr."""
        container = self._container(container_id)
        with docker_errors(_name(container)):
            return bytes(container.logs(tail=lines)).decode("utf-8", "replace")

    def follow_logs(self, container_id: str, since: str | None = None) -> Iterator[tuple[str, str]]:
        """(timestamp, line) of what is stamped after ``since``, until the container stops. Raises EngineUnavailable
        when the engine goes, NotFoundError when the container does."""
        reader = LogReader(after=since or "")
        follow = True
        while True:
            container = self._container(container_id, patient=True)
            start = reader.reconnect_at()
            window: dict[str, Any] = {"tail": "all"} if start is None else {"since": start}
            with docker_errors(_name(container)), _open(container, follow=follow, **window) as frames:
                yield from reader.lines(frames)
            if not follow:
                yield from reader.rest()
                return
            # A cut and the end look alike. Once it has stopped, one more reading gets what a cut may have kept back.
            follow = self.get(container_id).state in {"running", "restarting", "paused"}
            time.sleep(RECONNECT_S)

    # ------------------------------------------------------------ commands inside

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult:
        """A short command. Raises ContainerFailed container_not_running; a missing binary is exit code 126 or 127."""
        code, output, complaints = self._exec(container_id, argv, env)
        return ExecResult(code, (output + complaints).decode("utf-8", "replace"))

    def exec_start(
        self, container_id: str, argv: Sequence[str], mark: str, env: Mapping[str, str] | None = None
    ) -> None:
        """See the port; docker_exec says how."""
        marked = {**(env or {}), VARIABLE: mark}
        container = self._container(container_id)
        with docker_errors(_name(container)):
            api = self._client().api
            created = api.exec_create(container.id, start_argv(mark, argv), environment=marked)
            api.exec_start(created["Id"], detach=True)

    def exec_read(self, container_id: str, mark: str, offset: int) -> tuple[bytes, int | None]:
        """At most 1 MiB at a time; the exit code comes with the last of it."""
        return parse_read(self._exec(container_id, read_argv(mark, offset))[1])

    def exec_kill(self, container_id: str, mark: str) -> None:
        """TERM, half a second, KILL. Raises EngineError when processes are left."""
        result = self.exec(container_id, kill_argv(mark))
        if result.exit_code != 0:
            raise EngineError(detail=f"processes of {mark} are left: {result.output[:200]}")

    def read_file(self, container_id: str, path: str) -> bytes:
        """See the port. The engine itself would look for a relative path below ``/``."""
        container = self._container(container_id)
        whole = posixpath.join(container.attrs["Config"].get("WorkingDir") or "/", path)
        try:
            with docker_errors(path):
                archive = b"".join(container.get_archive(whole)[0])
        except NotFoundError as error:
            raise NotFoundError(kind="file", id=path) from error
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = next((entry for entry in tar.getmembers() if entry.isfile()), None)
            content = tar.extractfile(member) if member else None
            if content is None:
                raise NotFoundError(kind="file", id=path)
            return content.read()

    # ------------------------------------------------------------ parts

    def _client(self, patient: bool = False) -> docker.DockerClient:
        timeout_s = self._patient_s if patient else self._quick_s
        with self._lock:
            if timeout_s not in self._clients:
                environment = {**os.environ, **({"DOCKER_HOST": self._base_url} if self._base_url else {})}
                with connecting():
                    self._clients[timeout_s] = docker.DockerClient.from_env(
                        version="auto", timeout=timeout_s, environment=environment
                    )
            return self._clients[timeout_s]

    def _container(self, container_id: str, patient: bool = False) -> Container:
        with docker_errors(container_id):
            return self._client(patient).containers.get(container_id)

    def _deployed(self, deployment_id: str) -> Container | None:
        with docker_errors():
            found = self._client(patient=True).containers.list(
                all=True, filters={"label": f"{DEPLOYMENT_LABEL}={deployment_id}"}, ignore_removed=True
            )
        return found[0] if found else None

    def _start_or_remove(self, container: Container, spec: ContainerSpec) -> None:
        try:
            with docker_errors(spec.name, spec.image):
                container.start()
        except EngineUnavailable:
            raise  # it may have started; the next try adopts it
        except AppError as error:
            with docker_errors(spec.name):
                container.remove(v=True, force=True)
            raise (self._with_owner(error) if isinstance(error, PortTaken) else error) from error

    def _with_owner(self, error: PortTaken) -> PortTaken:
        """The same, naming the container that holds the port, where it is one."""
        port = error.params.get("port")
        holders = (found.name for found in self.list() if found.state == "running" and _publishes(found, port))
        return PortTaken(port=port, owner=next(holders, None))

    def _exec(
        self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        container = self._container(container_id, patient=True)
        with docker_errors(_name(container)):
            api = self._client(patient=True).api
            created = api.exec_create(container.id, list(argv), environment=dict(env or {}))
            output, complaints = api.exec_start(created["Id"], demux=True)
            found = api.exec_inspect(created["Id"])
        if found["ExitCode"] is None or found["Running"]:
            raise EngineUnavailable(detail="the connection to the engine was cut")
        return int(found["ExitCode"]), output or b"", complaints or b""


@contextmanager
def _open(container: Container, **window: Any) -> Iterator[Iterator[bytes]]:
    stream = container.logs(stream=True, timestamps=True, **window)
    try:
        yield stream
    finally:
        with suppress(AttributeError, OSError):  # the SDK cannot close a stream that has come to its end
            stream.close()


def _name(container: Container) -> str:
    return str(container.name or container.short_id)


def _publishes(container: ContainerView, port: object) -> bool:
    return any(published.host_port == port for published in container.ports)
