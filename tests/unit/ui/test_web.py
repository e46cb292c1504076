"""What the web process does once, after its first page."""

from __future__ import annotations

import gc
import sys

from ui import web


def test_what_was_imported_is_out_of_the_garbage_collectors_sight() -> None:
    before = gc.get_freeze_count()
    kept: dict[str, list[int]] = {"a": []}
    web.warm()
    assert {"plotly.graph_objs._figure", "ui.components.run_chart"} <= set(sys.modules)
    assert gc.get_freeze_count() > before
    assert not any(one is kept for one in gc.get_objects()), "what lives now is not looked through again"
