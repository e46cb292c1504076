"""The real worker with the stand-in child: ``python -m tests.live.standin_worker``."""

from __future__ import annotations

import logging
import sys

from core import worker
from core.domain.benchmark import Engine
from core.jobs.loadgen_runner import LoadgenRunner

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    child = "tests.live.standin_child"
    worker.run(lambda app: {Engine.SEATRIAL: LoadgenRunner(app.tools, app.secrets, app.prompts, module=child)})
    sys.exit(0)
