"""Waiting for others, without being deaf to a cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from core.errors import AppError

T = TypeVar("T")
Cancelled = Callable[[], bool]
_POLL_S = 0.2


def never() -> bool:
    """Is not cancelled."""
    return False


def unless(is_cancelled: Cancelled, call: Callable[[], T]) -> T | None:
    """What ``call`` returns, however long it waits; None as soon as it is cancelled, while the call is left to itself.
    Raises the AppError that the call raises."""
    answers: list[T | AppError] = []

    def run() -> None:
        try:
            answers.append(call())
        except AppError as error:
            answers.append(error)

    thread = threading.Thread(target=run, name="patient call", daemon=True)
    thread.start()
    while thread.is_alive():
        if is_cancelled():
            return None
        thread.join(_POLL_S)
    (answer,) = answers
    if isinstance(answer, AppError):
        raise answer
    return answer
