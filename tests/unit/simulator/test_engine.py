"""The simulated engine's own loop."""

from __future__ import annotations

import asyncio

import pytest

from simulator.engine import Engine, Running
from simulator.metrics import Metrics
from simulator.settings import Pace, SimulatorSettings


async def test_clients_that_hung_up_while_they_waited_do_not_stop_it() -> None:
    """Killed, a client leaves requests that nobody waits for; the next one is answered all the same."""
    settings = SimulatorSettings(pace=Pace(ttft_ms=1, itl_ms=1))
    engine = Engine(settings, Metrics(settings.model))
    running = asyncio.create_task(engine.run())
    answered = asyncio.Event()

    def gone(tokens: list[int], reason: str | None) -> str | None:
        return "abort"

    def there(tokens: list[int], reason: str | None) -> str | None:
        if reason:
            answered.set()
        return reason

    for _ in range(3):
        engine.submit(Running((1, 2), 4, gone, None, None, 0))
    while engine.load:
        assert not running.done()
        await asyncio.sleep(0.002)
    engine.submit(Running((1, 2), 4, there, None, None, 0))
    await asyncio.wait_for(answered.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
