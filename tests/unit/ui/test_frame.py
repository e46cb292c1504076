"""What must hold of registry, launcher, configuration and static files."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from render.texts import LANGUAGES, Texts
from ui import registry
from ui.cookies import Signer, cookie_secret
from ui.markdown import plain

ROOT = Path(__file__).resolve().parents[3]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", registry.PAGES, ids=lambda entry: entry.name)
def test_every_page_is_there_and_named_in_both_languages(entry: registry.PageEntry) -> None:
    assert entry.path.is_file()
    for language in LANGUAGES:
        t = Texts(language)
        assert t.has(entry.title_key), entry.title_key
        assert t.has(f"section.{entry.section}"), entry.section


def test_every_page_file_is_in_the_registry() -> None:
    files = {path.stem for path in registry.FOLDER.glob("*.py")} - {"__init__"}
    assert files == {entry.name for entry in registry.PAGES}
    assert [entry.name for entry in registry.PAGES if entry.default] == ["overview"]


def test_no_folder_of_pages_stands_beside_the_script_that_streamlit_runs() -> None:
    assert not (ROOT / "ui" / "pages").exists(), "Streamlit would run its files without the frame"


def test_the_launcher_is_one_literal_assignment() -> None:
    tree = ast.parse((ROOT / "streamlit_app.py").read_text(encoding="utf-8"))
    (assignment,) = [node for node in tree.body if isinstance(node, ast.Assign)]
    assert ast.unparse(assignment).startswith("app = st.App(")


def test_the_configuration_fails_closed_and_stays_at_home() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    headers = CONFIG["server"]["trustedUserHeaders"]
    assert headers == {"X-Seatrial-User": "name", "X-Seatrial-Session": "session"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_palettes_have_the_ten_colours_that_plotly_needs(scheme: str) -> None:
    theme = CONFIG["theme"][scheme]
    for name in ("chartCategoricalColors", "chartSequentialColors", "chartDivergingColors"):
        assert len(set(theme[name])) == 10


def test_heading_weights_are_ones_that_the_front_end_takes() -> None:
    assert all(weight % 50 == 0 for weight in CONFIG["theme"]["headingFontWeights"])


def test_fonts_are_served_from_here_with_their_licences() -> None:
    for face in CONFIG["theme"]["fontFaces"]:
        path = ROOT / "ui" / face["url"].removeprefix("app/")
        assert path.read_bytes()[:4] == b"wOF2"
        assert "SIL Open Font License" in path.with_suffix(".LICENSE.txt").read_text(encoding="utf-8")


def test_the_cookie_secret_lasts_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "new"
    secret = cookie_secret(home)
    assert cookie_secret(home) == secret
    assert (home / "cookie.key").stat().st_mode & 0o777 == 0o600
    cookie = Signer(secret).cookie("row")
    assert Signer(cookie_secret(home)).session_id(cookie) == "row"
    assert Signer("another").session_id(cookie) is None


def test_text_from_outside_is_shown_and_never_interpreted() -> None:
    text = "<b>*a*</b> [x](javascript:y) :red[z] `c` $d$ ~e~ # f"
    shown = plain(text)
    assert shown.replace("\\", "") == text
    for sign in "<>*[]`$:~#":
        assert f"\\{sign}" in shown
