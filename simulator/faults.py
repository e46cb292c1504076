"""Misbehaviour on demand, so that every failure has a test."""

from __future__ import annotations

import asyncio
import math
import os

from simulator.http import Connection
from simulator.requests import ApiError
from simulator.settings import FaultKind, SimulatorSettings

_PAGE = b"<!doctype html><title>Router</title><h1>Please log in</h1>"
_KILLED = 137


class Share:
    """Says yes to an exact share of the questions, evenly spread: 0.25 is every fourth."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._asked = 0

    def is_hit(self) -> bool:
        """Whether this one is meant."""
        before = math.floor(self._asked * self._share + 1e-9)
        self._asked += 1
        return math.floor(self._asked * self._share + 1e-9) > before


class Faults:
    """Those that are switched on, and how often they struck."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._completions = 0
        refused, cut = settings.fault(FaultKind.STATUS), settings.fault(FaultKind.TRUNCATE)
        self._refused = Share(refused.value if refused else 0.0)
        self._refusal = refused.status if refused else 0
        self._cut = Share(cut.value if cut else 0.0)

    async def before_request(self, connection: Connection) -> bool:
        """Answers (or keeps silent) in the server's place; whether it did."""
        if self._settings.fault(FaultKind.HANG):
            await _silence(connection)
        elif self._settings.fault(FaultKind.HTML):
            connection.answer(200, _PAGE, "text/html; charset=utf-8")
        elif self._settings.fault(FaultKind.REDIRECT):
            connection.answer(308, b"", "text/plain", {"location": "https://example.invalid/v1/models"})
        else:
            return False
        return True

    async def before_completion(self, connection: Connection) -> None:
        """Before a completion is begun: dies, hangs or refuses (ApiError)."""
        self._completions += 1
        limit = self._settings.fault(FaultKind.DIE_AFTER)
        if limit is not None and self._completions > limit.value:
            os._exit(_KILLED)
        if self._settings.fault(FaultKind.HANG_COMPLETIONS):
            await _silence(connection)
        if self._refused.is_hit():
            kind = "TooManyRequestsError" if self._refusal == 429 else "InternalServerError"
            raise ApiError(f"Simulated fault: status {self._refusal}", status=self._refusal, kind=kind)

    def cuts_stream(self) -> bool:
        """Whether this stream is to end halfway."""
        return self._cut.is_hit()


async def _silence(connection: Connection) -> None:
    while not connection.is_gone:
        await asyncio.sleep(0.05)
