"""Plain text inside Markdown: what a server, a person or an error said is shown, never interpreted."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

_MARKS = re.compile(r"`+")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&])")


def plain(text: object) -> str:
    """``text`` with every character of Markdown, HTML and Streamlit's directives escaped; lines stay lines."""
    return _SPECIAL.sub(r"\\\1", str(text)).replace("\n", "  \n")


def code(text: str) -> str:
    """An address or a file's name as a code span that nothing in it ends: its marks are more than any in a row inside
    (CommonMark, code spans), and it is one line."""
    line = " ".join(text.split())
    marks = "`" * (1 + max(map(len, _MARKS.findall(line)), default=0))
    room = " " if "`" in (line[:1], line[-1:]) else ""
    return f"{marks}{room}{line}{room}{marks}"


def cut(words: str, columns: int) -> str:
    """At most so many columns, a Chinese character being two of them; what is left out is three dots."""
    widths = [2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in words]
    if sum(widths) <= columns:
        return words
    ends = accumulate(widths)
    return words[: sum(end < columns for end in ends)].rstrip(" ·:：") + "…"


def from_model(text: str) -> str:
    """A model's Markdown, but for its images: one of another server would tell that server who reads, and what. Code is
    not told apart, since whoever wants to be fetched could disguise it; there a backslash too many is seen."""
    return text.replace("![", "!\\[")
