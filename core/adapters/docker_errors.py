"""Docker's errors, in Seatrial's words.

The engine's messages change between versions, so each is told by its status and any of several phrasings. Of the SDK's
classes ImageNotFound and NotFound are APIErrors, and an APIError is a requests HTTPError and an OSError: order matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
import urllib3.exceptions

from core.errors import (
    AppError,
    ContainerFailed,
    EngineError,
    EngineUnavailable,
    ImageMissing,
    NameTaken,
    NotFoundError,
    PortTaken,
)

_PORT_TAKEN = ("port is already allocated", "address already in use", "ports are not available")
_NAME_TAKEN = ("already in use by container", "conflict. the container name", "conflict. the name")
_NOT_RUNNING = ("is not running", "is restarting, wait until", "is paused")
_COMMAND_MISSING = ("executable file not found", "no command specified", "exec format error")
_DEVICE_MISSING = (
    "could not select device driver",
    "unknown runtime specified",
    "unknown or invalid runtime name",
    "error gathering device information",
    "failed to discover gpu",
    "nvidia-container-cli",
)
_IMAGE_MISSING = ("no such image", "manifest unknown", "repository does not exist", "name unknown")
_DENIED = ("pull access denied", "unauthorized", "authentication required", "no basic auth credentials", "denied:")

_MOUNT = re.compile(
    r"(?:bind source path does not exist|source path does not exist|bind mount source[^:]*): *(\S+)", re.I
)
_PORT = re.compile(
    r"(?:bind for|listen (?:tcp|udp)[46]?|host port|port (?:tcp|udp)) *\[?[0-9a-f.:]*\]?:(\d{1,5})", re.I
)
_NAME = re.compile(r'the (?:container )?name "?/?([^"\s]+)"?', re.I)
_NETWORK = re.compile(r"network (\S+) not found", re.I)


@contextmanager
def docker_errors(name: str = "", image: str = "", otherwise: str = "engine_error") -> Iterator[None]:
    """Whatever the SDK raises inside leaves as an AppError. ``name`` and ``image``: what the call is about;
    ``otherwise``: the code of an EngineError of no special kind."""
    try:
        yield
    except docker.errors.APIError as error:
        raise from_api_error(error, name, image, otherwise) from error
    except requests.exceptions.Timeout as error:
        raise EngineUnavailable(detail=f"no answer in time: {_brief(error)}") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise EngineUnavailable(detail=_at_the_bottom(error)) from error
    except docker.errors.DockerException as error:
        raise EngineError(otherwise, name=name, image=image, detail=_brief(error)) from error


@contextmanager
def connecting() -> Iterator[None]:
    """Around the making of a client: the SDK has one class for everything that can go wrong there."""
    try:
        yield
    except (docker.errors.DockerException, OSError) as error:
        raise EngineUnavailable(detail=_at_the_bottom(error)) from error


def from_api_error(error: docker.errors.APIError, name: str, image: str, otherwise: str = "engine_error") -> AppError:
    """What an answer with an error status means for the container ``name`` or the image ``image``."""
    detail = _brief(error.explanation or error)
    text, status = detail.lower(), error.status_code
    if _says(text, _PORT_TAKEN):
        return PortTaken(port=_taken_port(detail), owner=None)
    if image and _says(text, _DENIED):
        return EngineError("registry_denied", image=image, detail=detail)
    if _says(text, _IMAGE_MISSING):
        return ImageMissing(image=image)
    if status == 409 and _says(text, _NAME_TAKEN):
        found = _NAME.search(detail)
        return NameTaken(name=found[1] if found else name)
    if mount := _MOUNT.search(detail):
        return ContainerFailed("mount_missing", name=name, path=mount[1], detail=detail)
    if network := _NETWORK.search(detail):
        return NotFoundError(kind="network", id=network[1])
    if _says(text, _NOT_RUNNING):
        return ContainerFailed("container_not_running", name=name, detail=detail)
    if _says(text, _COMMAND_MISSING):
        return ContainerFailed("container_command_missing", name=name, detail=detail)
    if _says(text, _DEVICE_MISSING):
        return ContainerFailed("device_missing", name=name, detail=detail)
    if status == 404 and name:
        return NotFoundError(kind="container", id=name)
    return EngineError(otherwise, name=name, image=image, detail=detail)


def pull_error(image: str, detail: str) -> AppError:
    """What ended a pull, by the engine's own line in its stream."""
    text = detail.lower()
    if _says(text, _DENIED):
        return EngineError("registry_denied", image=image, detail=_brief(detail))
    if _says(text, _IMAGE_MISSING):
        return ImageMissing(image=image)
    return EngineError("pull_failed", image=image, detail=_brief(detail))


def _says(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text for phrase in phrases)


def _taken_port(detail: str) -> int | None:
    found = _PORT.search(detail)
    return int(found[1]) if found else None


def _at_the_bottom(error: BaseException) -> str:
    """The system's own words where there are any: what lies over them is Python's."""
    at = error
    while (below := at.__cause__ or at.__context__) is not None:
        at = below
    return (at.strerror if isinstance(at, OSError) else None) or _brief(error)


def _brief(error: object) -> str:
    return " ".join(str(error).split())[:500]
