"""What a model writes is shown as Markdown, and fetches nothing."""

from __future__ import annotations

import pytest

from ui.markdown import from_model


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See ![x](http://elsewhere/?q=secret)", "See !\\[x](http://elsewhere/?q=secret)"),
        ("![x][ref]", "!\\[x][ref]"),
        ("````\n```\n````\n![x](u)\n```", "````\n```\n````\n!\\[x](u)\n```"),
        ("\\`![x](u)\\`", "\\`!\\[x](u)\\`"),
        ("**bold** [link](u) $x$", "**bold** [link](u) $x$"),
    ],
)
def test_images_are_not_fetched(text: str, shown: str) -> None:
    assert from_model(text) == shown
