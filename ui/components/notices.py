"""A person's jobs on every page: in the sidebar, as a toast when one ends, and in the title of the browser's tab."""

from __future__ import annotations

import streamlit as st

from core.domain.job import Job, JobState
from core.domain.notices import Notices
from render.texts import Texts
from ui import session
from ui.components.job import job_fraction, job_link
from ui.components.links import link
from ui.markdown import cut, plain

POLL_S = 4
SLOW_POLL_S = 15
"""While nothing is at work: a job may be started in another tab or from a shell, and a stuck one may go on."""
_TOLD = "notices_told"
_SHOWN = 3
_COLUMNS = 20
"""What one line of the sidebar holds, in bold and after a sign."""


def tab_title(notices: Notices, t: Texts) -> str:
    """What matters most before the app's name: stuck or failed, then done, then how far."""
    name = t("app.name")
    if notices.stuck:
        return t("notices.tab_stuck", name=name)
    if notices.failed:
        return t("notices.tab_failed", name=name, count=len(notices.failed))
    if notices.ended:
        return t("notices.tab_done", name=name, count=len(notices.ended))
    if notices.active:
        share = sum(map(job_fraction, notices.active)) / len(notices.active)
        return f"{t.percent(share, 0)} · {name}"
    return name


def watch_notices(notices: Notices) -> None:
    """In the sidebar; follows by itself, closely while one of the person's jobs is at work."""
    st.fragment(_follow, run_every=rhythm_s(notices))(notices, [notices])


def rhythm_s(notices: Notices) -> int:
    """Seconds from one look to the next."""
    return POLL_S if notices.active else SLOW_POLL_S


def _follow(known: Notices, fresh: list[Notices]) -> None:
    """``fresh`` is what the whole page has asked a moment ago; from the second time on it is asked anew."""
    t = session.texts()
    now = fresh.pop() if fresh else session.app().notices.of(session.actor())
    _tell(now, t)
    if _is_newer(now, known):
        st.rerun()
    st.set_page_config(page_title=tab_title(now, t))
    _draw(now, t)


def _is_newer(now: Notices, known: Notices) -> bool:
    """Whether a job began or ended: then the whole page is drawn anew, with another rhythm."""
    return {view.job.id for view in now.active} != {view.job.id for view in known.active}


def _tell(now: Notices, t: Texts) -> None:
    """A toast for each end, once a browser session. What had ended before it began is in the sidebar only."""
    ended = {job.id for job in now.ended}
    told: set[str] | None = st.session_state.get(_TOLD)
    for job in now.ended:
        if told is not None and job.id not in told:
            failed = job.outcome is JobState.FAILED
            st.toast(
                plain(_words(job, t)),
                icon=":material/error:" if failed else ":material/check_circle:",
                duration="infinite" if failed else "long",
            )
    st.session_state[_TOLD] = (told or set()) | ended


def _draw(now: Notices, t: Texts) -> None:
    if not (now.active or now.stuck or now.ended):
        return
    with st.container(border=True, gap="xsmall", key="notices"):
        for view in now.stuck[:_SHOWN]:
            _line(view.job, ":orange[:material/pause_circle:]", t("notices.stuck", title=view.job.title))
        for job in now.ended[:_SHOWN]:
            sign = ":red[:material/error:]" if job.outcome is JobState.FAILED else ":green[:material/check_circle:]"
            _line(job, sign, _words(job, t))
        if now.active:
            share = sum(map(job_fraction, now.active)) / len(now.active)
            st.progress(share, text=t("notices.active", count=len(now.active), share=t.percent(share, 0)))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            link("jobs", t("notices.all"))
            if now.ended:
                st.space("stretch")
                st.button(t("notices.seen"), key="notices_seen", type="tertiary", on_click=_seen)


def _line(job: Job, sign: str, words: str) -> None:
    """A link is one line and would be cut off in the middle of a letter: the whole of a long one is its tooltip."""
    short = cut(words, _COLUMNS)
    label, whole = f"{sign} {plain(short)}", None if short == words else plain(words)
    if not job_link(job, label, help=whole):
        link("jobs", label, help=whole)


def _words(job: Job, t: Texts) -> str:
    return t("notices.failed" if job.outcome is JobState.FAILED else "notices.done", title=job.title)


def _seen() -> None:
    session.app().notices.seen(session.actor())
