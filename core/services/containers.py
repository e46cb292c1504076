"""Short work inside containers: one command of an operator, and what an image's own vLLM knows."""

from __future__ import annotations

import logging
import re
import shlex

from core.domain.access import Actor, Role
from core.errors import BadInput, ImageMissing, NotFoundError
from core.ports import ContainerEngine, ExecResult, Store
from core.services.access import require

LOG = logging.getLogger("seatrial.containers")
_FLAG = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w.-]*)")
_HELP = ("vllm", "serve", "--help=all")
_HELP_TIMEOUT_S = 180
_OUTPUT_LIMIT = 100_000
_LEAST_FLAGS = 20


class ContainerService:
    """For operators."""

    def __init__(self, store: Store, engine: ContainerEngine) -> None:
        self._store = store
        self._engine = engine

    def run_inside(self, actor: Actor, deployment_id: str, command: str) -> ExecResult:
        """One command in the deployment's container, words as a shell would split them; nothing is expanded. Raises
        NotAllowed, NotFoundError, BadInput (command_empty, command_unbalanced), ContainerFailed, EngineError."""
        require(actor, Role.OPERATOR)
        words = _words(command)
        container_id = self._store.deployments.get(deployment_id).container_id
        if container_id is None:
            raise NotFoundError(kind="container", id=deployment_id)
        LOG.info("%s runs %s in %s", actor.name, words[0], deployment_id)
        result = self._engine.exec(container_id, words)
        return ExecResult(result.exit_code, result.output[-_OUTPUT_LIMIT:])

    def flags_known(self, image: str) -> tuple[str, ...] | None:
        """What was learned from the image; None where it was never asked, or is not here."""
        image_id = self._engine.image_digest(image) if image else None
        return self._store.deployments.image_flags(image_id) if image_id else None

    def ask_flags(self, actor: Actor, image: str) -> int:
        """Asks the image's own ``vllm serve --help=all`` and keeps the answer; how many flags it knows. Takes ten
        seconds and more. Raises NotAllowed, ImageMissing, EngineError, BadInput (help_not_understood: value)."""
        require(actor, Role.OPERATOR)
        image_id = self._engine.image_digest(image)
        if image_id is None:
            raise ImageMissing(image=image)
        flags = read_flags(self._engine.run_once(image, _HELP, _HELP_TIMEOUT_S).output)
        if len(flags) < _LEAST_FLAGS:
            raise BadInput("help_not_understood", field="image", value=image)
        self._store.deployments.save_image_flags(image_id, flags)
        return len(flags)


def read_flags(text: str) -> tuple[str, ...]:
    """Every flag that a help text lists, sorted; the ends of sentences and of brackets are no part of them."""
    return tuple(sorted({match.rstrip(".-") for match in _FLAG.findall(text)}))


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput("command_unbalanced", field="exec", quote="'\"") from error
    if not words:
        raise BadInput("command_empty", field="exec")
    return words
