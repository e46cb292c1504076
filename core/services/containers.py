"""Short work inside containers: one command of an operator, and what an image's own vLLM knows."""

from __future__ import annotations

import logging
import re
import shlex
import threading
import uuid

from core.domain.access import Actor, Role
from core.domain.deployment import ContainerCommand, Deployment
from core.errors import AppError, BadInput, EngineError, EngineUnavailable, ImageMissing, NotFoundError
from core.formats import vllm_serve
from core.ports import Clock, ContainerEngine, ExecResult, Secrets, Store
from core.services.access import require

LOG = logging.getLogger("seatrial.containers")
_FLAG = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w.-]*)")
_HELP = ("vllm", "serve", "--help=all")
_HELP_TIMEOUT_S = 180
_OUTPUT_LIMIT = 100_000
_LEAST_FLAGS = 20


class ContainerService:
    """For operators."""

    def __init__(self, store: Store, engine: ContainerEngine, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._secrets = secrets
        self._clock = clock
        self._asking: set[str] = set()
        self._failed: set[str] = set()
        self._lock = threading.Lock()

    def run_inside(self, actor: Actor, deployment_id: str, command: str) -> ExecResult:
        """One command in the deployment's container, words as a shell would split them; nothing is expanded. Written
        down before it runs, its exit code afterwards. Raises NotAllowed, NotFoundError, BadInput (command_empty,
        command_unbalanced), ContainerFailed, EngineError."""
        require(actor, Role.OPERATOR)
        words = _words(command)
        deployment = self._store.deployments.get(deployment_id)
        if deployment.container_id is None:
            raise NotFoundError(kind="container", id=deployment_id)
        LOG.info("%s runs %s in %s", actor.name, words[0], deployment_id)
        kept = ContainerCommand(
            id=f"cmd-{uuid.uuid4().hex[:12]}",
            deployment_id=deployment_id,
            at=self._clock.now(),
            by=actor.name,
            words=self._without_keys(words, deployment),
        )
        self._store.deployments.add_command(kept)
        result = self._engine.exec(deployment.container_id, words)
        self._store.deployments.end_command(kept.id, result.exit_code)
        return ExecResult(result.exit_code, result.output[-_OUTPUT_LIMIT:])

    def commands(self, deployment_id: str) -> tuple[ContainerCommand, ...]:
        """What was run in its container, the newest first."""
        return self._store.deployments.commands(deployment_id)

    def _without_keys(self, words: list[str], deployment: Deployment) -> tuple[str, ...]:
        """The service's own key, and what follows ``--api-key``, are never written down."""
        keys = [key for ref in deployment.spec.secret_env.values() if (key := self._secrets.get(ref))]
        shown, _ = vllm_serve.without_key(words)
        return tuple(_masked(word, keys) for word in shown)

    def flags_known(self, image: str) -> tuple[str, ...] | None:
        """What was learned from the image; None where nothing was, or it is not here."""
        image_id = self._engine.image_digest(image) if image else None
        return (self._store.deployments.image_flags(image_id) or None) if image_id else None

    def must_ask(self, image_id: str) -> bool:
        """Whether the image was never asked, well or in vain."""
        return self._store.deployments.image_flags(image_id) is None

    def learn_flags(self, actor: Actor, image: str) -> None:
        """Asks an image that is here and was never asked, once for ever: one that cannot tell is left alone from then
        on. Raises NotAllowed; EngineUnavailable, after which it is asked again."""
        require(actor, Role.OPERATOR)
        image_id = self._engine.image_digest(image) if image else None
        if image_id is None or not self.must_ask(image_id):
            return
        try:
            self.ask_flags(actor, image)
        except EngineUnavailable:
            raise
        except (BadInput, EngineError) as error:
            LOG.info("%s does not tell its arguments: %s", image, error.code)
            self._store.deployments.save_image_flags(image_id, ())

    def learn_aside(self, actor: Actor, image: str, image_id: str) -> bool:
        """The same beside the page that a person works on; whether it is being asked right now. Raises NotAllowed."""
        require(actor, Role.OPERATOR)
        with self._lock:
            if image_id in self._asking:
                return True
            if image_id in self._failed or not self.must_ask(image_id):
                return False
            self._asking.add(image_id)
        threading.Thread(target=self._learn, args=(actor, image, image_id), name="image-flags", daemon=True).start()
        return True

    def is_asking(self, image_id: str) -> bool:
        """Whether ``learn_aside`` is still at it."""
        with self._lock:
            return image_id in self._asking

    def _learn(self, actor: Actor, image: str, image_id: str) -> None:
        learned = False
        try:
            self.learn_flags(actor, image)
            learned = True
        except AppError as error:  # the engine went, or the database is locked: a button asks again
            LOG.info("%s could not be asked: %s", image, error.code)
        finally:
            with self._lock:
                self._asking.discard(image_id)
                self._failed |= set() if learned else {image_id}

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


def _masked(word: str, keys: list[str]) -> str:
    for key in keys:
        word = word.replace(key, "***")
    return word


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput("command_unbalanced", field="exec", quote="'\"") from error
    if not words:
        raise BadInput("command_empty", field="exec")
    return words
