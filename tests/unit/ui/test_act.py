"""Actions and their errors, as a page draws them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from ui import session


@pytest.fixture(autouse=True)
def app() -> Iterator[None]:
    preferences = SimpleNamespace(get=lambda key: None, set=lambda key, value: None)
    session.install(cast(Any, SimpleNamespace(store=SimpleNamespace(preferences=preferences))))
    yield
    session.install(None)


def run(script: Any) -> AppTest:
    return AppTest.from_function(script, default_timeout=20).run()


def test_a_refusal_stands_beside_its_field_and_what_was_typed_stays() -> None:
    def script() -> None:
        import streamlit as st

        from core.errors import BadInput
        from ui.act import act, refusals
        from ui.components import field_findings

        def attach(url: str) -> str:
            if not url.startswith("http"):
                raise BadInput("url_not_http", field="url", scheme=url)
            return url

        url = st.text_input("URL", key="url")
        field_findings(refusals("attach"), "url")
        if st.button("go") and (done := act(attach, url, form="attach")):
            st.success(done.value)

    at = run(script)
    at.text_input(key="url").set_value("ftp").run()
    at.button[0].click().run()
    assert at.text_input(key="url").value == "ftp"
    assert "ftp is not http or https" in at.markdown[0].value
    assert not at.error and not at.warning
    at.text_input(key="url").set_value("http://a").run()
    at.button[0].click().run()
    assert [box.value for box in at.success] == ["http://a"]
    assert not at.run().markdown, "the refusal is forgotten"


def test_every_finding_of_a_blocked_plan_is_kept() -> None:
    def script() -> None:
        import streamlit as st

        from core.domain.finding import Finding, Severity
        from core.errors import PlanBlocked
        from ui.act import act, refusals
        from ui.components import draw_findings

        def start() -> None:
            note = Finding("endpoint_simulated", Severity.NOTE)
            block = Finding("env_forbidden", Severity.BLOCK, "env", {"name": "A_B"}, source="guide p. 3")
            raise PlanBlocked([note, block])

        draw_findings(refusals("start"))
        if st.button("go"):
            act(start, form="start")

    at = run(script)
    at.button[0].click().run()
    first, second = (line.value for line in at.markdown)
    assert "Blocked" in first and "A\\_B must not be set" in first
    assert "Note" in second


def test_any_other_error_is_a_card_that_says_what_to_do() -> None:
    def script() -> None:
        from core.errors import EngineUnavailable
        from ui.act import act

        def start() -> None:
            raise EngineUnavailable(detail="no <socket>")

        assert not act(start)

    at = run(script)
    assert not at.exception
    assert "no \\<socket\\>" in at.error[0].value


def test_a_page_body_that_fails_as_foreseen_becomes_a_card() -> None:
    def script() -> None:
        import streamlit as st

        from core.errors import NotFoundError
        from ui.act import guard

        st.title("before")
        with guard():
            raise NotFoundError(kind="run", id="r1")

    at = run(script)
    assert not at.exception
    assert at.title[0].value == "before"
    assert "r1" in at.error[0].value


def test_the_unforeseen_shows_a_reference_and_is_logged_once_with_it(caplog: pytest.LogCaptureFixture) -> None:
    def script() -> None:
        from ui.act import on_script_error

        assert on_script_error(RuntimeError("password=hunter2"))

    with caplog.at_level(logging.ERROR, logger="seatrial.web"):
        at = run(script)
    (record,) = [record for record in caplog.records if record.name == "seatrial.web"]
    reference = record.getMessage().split("reference ")[1][:8]
    assert f"**{reference}**" in at.error[0].value
    assert "hunter2" not in at.error[0].value


def test_what_was_done_is_told_on_the_next_run_once() -> None:
    def script() -> None:
        import streamlit as st

        from ui.act import show_told, tell

        show_told()
        if st.button("go"):
            tell("Done *it*")
            st.rerun()

    at = run(script)
    at.button[0].click().run()
    assert [toast.value for toast in at.toast] == ["Done \\*it\\*"]
    at.run()
    assert not at.toast
