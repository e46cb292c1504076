"""The chart element and the script it needs: all from this machine."""

from __future__ import annotations

import re
from pathlib import Path

import plotly
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui import plotly_script
from ui.components import chart

CODE = (Path(chart.__file__).parent / "chart.js").read_text(encoding="utf-8")


def test_the_script_is_the_installed_packages_own_and_kept_by_its_version() -> None:
    client = TestClient(Starlette(routes=[plotly_script.ROUTE]))
    whole = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()
    packed = client.get(plotly_script.SCRIPT_PATH)
    assert packed.content == whole
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert int(packed.headers["content-length"]) < len(whole) / 3
    plain = client.get(plotly_script.SCRIPT_PATH, headers={"accept-encoding": "identity"})
    assert (plain.content, plain.headers.get("content-encoding")) == (whole, None)
    assert plotly.__version__ in chart._script()


def test_the_element_asks_for_nothing_else() -> None:
    assert re.findall(r"https?://", CODE) == []
    assert "innerHTML" not in CODE, "what a person named is never read as markup"
