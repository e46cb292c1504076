"""What a model writes is shown as Markdown, and fetches nothing."""

from __future__ import annotations

import pytest

from ui.markdown import code, from_model


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://h/v1", "`http://h/v1`"),
        ("a`![x](http://elsewhere)", "``a`![x](http://elsewhere)``"),
        ("``a`", "``` ``a` ```"),
        ("a\n\n![x](http://elsewhere)", "`a ![x](http://elsewhere)`"),
    ],
)
def test_nothing_ends_a_code_span_from_inside(text: str, shown: str) -> None:
    assert code(text) == shown
