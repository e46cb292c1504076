"""Whether a registry gives an image, asked before a job waits for it: a mistyped tag costs seconds here, not a start.

A registry may take long and a plan may not: the question is asked aside, the answer kept, and used when it is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.finding import Finding, Severity
from core.domain.registry import registry_of
from core.errors import EngineError

WAIT_S = 6.0
"""How long the plan of a start, or of a command line, waits for an answer."""


class Word(StrEnum):
    """What a registry says of an image. Denied: it does not tell whether it is private or not there at all."""

    THERE = "there"
    ABSENT = "absent"
    DENIED = "denied"
    SILENT = "silent"


_KEPT_S: Mapping[Word, float] = {Word.THERE: 600, Word.ABSENT: 30, Word.DENIED: 30, Word.SILENT: 30}
"""How long each is believed: what is there stays, what is missing may have just been pushed."""


@dataclass(frozen=True)
class _Answer:
    word: Word
    at_s: float


class RegistryLook:
    """``ask``: ContainerEngine.in_registry. ``reference``: under which name an image is really pulled."""

    def __init__(
        self,
        ask: Callable[[str], bool],
        reference: Callable[[str], str] = str,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._reference = reference
        self._now_s = now_s
        self._answers: dict[str, _Answer] = {}
        self._asking: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def findings(self, image: str, wait: bool) -> tuple[Finding, ...]:
        """What the registry has against the pull; nothing while it is asked for the first time. ``wait``: at most
        WAIT_S for a fresh word; else the last one does while it is asked anew."""
        word = self._fresh(image) if wait else self._last(image)
        if word is None or word is Word.THERE:
            return ()
        params: dict[str, str | int | float | bool | None] = {
            "image": image,
            "registry": registry_of(self._reference(image)),
        }
        severity = Severity.BLOCK if word is Word.ABSENT else Severity.WARN
        return (Finding(f"image_registry_{word}", severity, "image", params),)

    def _last(self, image: str) -> Word | None:
        with self._lock:
            known = self._answers.get(image)
            if not self._asking and not self._holds(known):  # one at a time: each letter typed makes another name
                self._begin(image)
        return known.word if known else None

    def _fresh(self, image: str) -> Word | None:
        with self._lock:
            known = self._answers.get(image)
            if known is not None and self._holds(known):
                return known.word
            asking = self._asking.get(image) or self._begin(image)
        answered = asking.wait(WAIT_S)
        with self._lock:
            known = self._answers.get(image)
        return known.word if known and answered else Word.SILENT

    def _holds(self, answer: _Answer | None) -> bool:
        return answer is not None and self._now_s() - answer.at_s < _KEPT_S[answer.word]

    def _begin(self, image: str) -> threading.Event:
        done = threading.Event()
        self._asking[image] = done
        threading.Thread(target=self._look, args=(image, done), name="registry", daemon=True).start()
        return done

    def _look(self, image: str, done: threading.Event) -> None:
        word = Word.SILENT
        try:
            word = Word.THERE if self._ask(image) else Word.ABSENT
        except EngineError as error:
            word = Word.DENIED if error.code == "registry_denied" else Word.SILENT
        finally:
            with self._lock:
                self._answers[image] = _Answer(word, self._now_s())
                del self._asking[image]
            done.set()
