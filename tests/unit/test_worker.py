"""What a worker does by the clock, beside its jobs."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from core import worker


def test_open_webuis_are_examined_although_containers_cannot_be_looked_at() -> None:
    examined, held, looking = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        held.wait(10)

    doctor = SimpleNamespace(examine_all=examined.set)
    watch = SimpleNamespace(look=held.wait)
    app = SimpleNamespace(care=SimpleNamespace(look=look), endpoint_watch=watch, webui=SimpleNamespace(doctor=doctor))
    rounds = worker.rounds(app)  # type: ignore[arg-type]
    for one in rounds:
        one.start()
    try:
        assert looking.wait(5)
        assert examined.wait(5), "it waits behind another duty"
    finally:
        held.set()
        for one in rounds:
            one.stop()
