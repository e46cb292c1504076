"""pip's index settings reach uv, in the form that uv reads."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fast_pip.py"
spec = importlib.util.spec_from_file_location("fast_pip", SCRIPT)
assert spec and spec.loader
fast_pip = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fast_pip)

LISTED = r"""
:env:.disable-pip-version-check='1'
global.index-url='http://mirror.example/simple'
global.extra-index-url='file:///opt/a/simple file:///opt/b/simple'
global.find-links='/opt/wheels\n/opt/more'
global.cert='/etc/ssl/ca.crt'
install.trusted-host='mirror.example'
download.index-url='http://other.example/simple'
global.timeout='60'
"""


def test_index_settings_are_translated() -> None:
    assert fast_pip.uv_settings(LISTED) == {
        "UV_DEFAULT_INDEX": "http://mirror.example/simple",
        "UV_INDEX": "file:///opt/a/simple file:///opt/b/simple",
        "UV_FIND_LINKS": "/opt/wheels,/opt/more",
        "SSL_CERT_FILE": "/etc/ssl/ca.crt",
        "UV_INSECURE_HOST": "mirror.example",
    }


def test_what_is_set_for_uv_itself_wins() -> None:
    environment = fast_pip.uv_environment(LISTED, {"UV_DEFAULT_INDEX": "http://mine.example/simple", "HOME": "/h"})
    assert environment["UV_DEFAULT_INDEX"] == "http://mine.example/simple"
    assert environment["HOME"] == "/h"


@pytest.mark.parametrize("listed", ["", "nonsense", "global.index-url=unquoted"])
def test_nothing_set_is_nothing_handed_on(listed: str) -> None:
    assert fast_pip.uv_settings(listed) == {}
