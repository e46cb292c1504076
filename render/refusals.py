"""Why a file of results was not imported, in words."""

from __future__ import annotations

from core.formats.import_files import Refusal
from render.texts import Texts


def refusal_words(refusal: Refusal, t: Texts) -> str:
    """The reason, with the line where it is known."""
    reason = t(f"import.refused_{refusal.code}", **(refusal.params or {}))
    return t("import.refused_line", line=refusal.line, reason=reason) if refusal.line else reason
