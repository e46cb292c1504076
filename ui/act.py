"""Actions and their errors. A page has no try/except: it hands its action here.

``if started := act(app.benchmarks.start, actor(), plan, form="benchmark"): go("run", id=started.value.job.run_id)``
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

import streamlit as st

from core.domain.finding import Finding, Severity
from core.errors import AppError, PlanBlocked, RefusedError
from ui.error_cards import error_card, reference_card
from ui.markdown import plain

P = ParamSpec("P")
T = TypeVar("T")
LOG = logging.getLogger("seatrial.web")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """True where the action was carried out; ``value`` is what it gave."""

    ok: bool
    given: T | None = None

    def __bool__(self) -> bool:
        return self.ok

    @property
    def value(self) -> T:
        """Only after a look at the outcome itself."""
        assert self.ok
        return self.given  # type: ignore[return-value]


def act(action: Callable[..., T], *args: object, form: str | None = None, **kwargs: object) -> Outcome[T]:
    """Runs an action. A refusal becomes findings beside the fields of ``form`` (see refusals), with what was typed
    kept; without a form, and for every other AppError, a card is drawn in place. After a success go on to another page
    or rerun: what was drawn above still shows the refusal before."""
    if form is not None:
        _refused().pop(form, None)
    try:
        return Outcome(True, action(*args, **kwargs))
    except RefusedError as error:
        if form is None:
            error_card(error)
        else:
            _refused()[form] = _as_findings(error)
            st.rerun()
    except AppError as error:
        error_card(error)
    return Outcome(False)


def refusals(form: str) -> tuple[Finding, ...]:
    """What the last action of ``form`` was refused for; add them to the plan's own findings when drawing fields."""
    return _refused().get(form, ())


def forget_refusals(form: str) -> None:
    """For a widget's on_change: what was refused is being corrected."""
    _refused().pop(form, None)


@contextmanager
def guard() -> Iterator[None]:
    """Around a page's body or a fragment's: an AppError becomes a card where it happened."""
    try:
        yield
    except AppError as error:
        error_card(error)


def on_script_error(error: Exception) -> bool:
    """Streamlit's hook for what nothing else caught, callbacks included. Never a traceback on the page; unforeseen
    errors are logged once, with a reference that the person sees."""
    if isinstance(error, AppError):
        error_card(error)
        return True
    reference = uuid.uuid4().hex[:8]
    LOG.error("page failed, reference %s, account %s", reference, st.user.get("name"), exc_info=error)
    reference_card(reference)
    return True


def _as_findings(error: RefusedError) -> tuple[Finding, ...]:
    if isinstance(error, PlanBlocked):
        return error.findings
    field = error.params.get("field")
    return (Finding(error.code, Severity.BLOCK, str(field) if field else None, error.params),)


def _refused() -> dict[str, tuple[Finding, ...]]:
    """Half-typed state, beside the widgets it belongs to."""
    state: dict[str, tuple[Finding, ...]] = st.session_state.setdefault("act_refused", {})
    return state


def tell(text: str) -> None:
    """A short word that something was done; shown on the next run, so that it outlives a rerun or a change of page."""
    told: list[str] = st.session_state.setdefault("act_told", [])
    told.append(text)


def show_told() -> None:
    """Called by the shell once per run."""
    for text in st.session_state.pop("act_told", []):
        st.toast(plain(text), icon=":material/check:")
