"""Endpoints: look first, then attach; list, change, archive."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.endpoint import Origin
from core.services.endpoints import EndpointService
from tests.fakes import samples
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.pages.conftest import Open
from tests.pages.test_shell import lost_by_tab, sentences
from ui import session

URL = "http://10.0.0.5:8000/v1"


@pytest.fixture
def client(app: App) -> FakeEndpointClient:
    """The network of this test."""
    client = FakeEndpointClient(app.clock, {URL: FakeServer()})
    session.install(replace(app, endpoints=EndpointService(app.store.endpoints, client, app.secrets, app.clock)))
    return client


def check(at: AppTest, url: str, key: str = "") -> AppTest:
    """Types an address and looks."""
    at.text_input(key="attach_url_0").set_value(url)
    at.text_input(key="attach_key_0").set_value(key)
    return at.button(key="attach_check").click().run()


def test_a_server_is_looked_at_then_attached(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    at = open_page("endpoints")
    assert "No endpoint yet" in sentences(at)
    assert lost_by_tab(at) == []
    at = check(at, "10.0.0.5:8000")
    assert "Can be measured" in sentences(at)
    assert "4,096 tokens" in sentences(at).replace("\\", "")
    assert app.store.endpoints.list() == (), "a check stores nothing"
    at.text_input(key="attach_name_0").set_value("Lab box")
    at.text_input(key="attach_version_0").set_value("W8A8")
    at.button(key="attach_do").click().run()
    assert not at.exception
    (stored,) = app.store.endpoints.list()
    assert (stored.name, stored.version_label, stored.base_url) == ("Lab box", "W8A8", URL)
    assert "not verified" in sentences(at)
    assert at.text_input(key="attach_url_1").value == "", "the form is empty again"


def test_an_address_that_cannot_be_is_told_beside_its_field_and_kept(
    app: App, client: FakeEndpointClient, open_page: Open
) -> None:
    at = check(open_page("endpoints"), "ftp://10.0.0.5", "sk-typed")
    assert "ftp is not http or https" in sentences(at)
    assert at.text_input(key="attach_url_0").value == "ftp://10.0.0.5"
    assert at.text_input(key="attach_key_0").value == "sk-typed"


@pytest.mark.parametrize(
    ("locale", "title", "step"),
    [("en-US", "Cannot be measured yet", "Start the server"), ("zh-CN", "暂时无法测量", "请启动服务器")],
)
def test_a_server_that_is_not_there_names_the_next_step(
    client: FakeEndpointClient, open_page: Open, locale: str, title: str, step: str
) -> None:
    at = check(open_page("endpoints", locale=locale), "http://10.0.0.9:1")
    assert not at.exception
    assert title in sentences(at)
    assert step in sentences(at)
    assert "attach_do" not in [button.key for button in at.button]


def test_a_missing_key_is_asked_for_and_then_accepted(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    client.servers[URL] = FakeServer(key="sk-secret")
    at = check(open_page("endpoints"), URL)
    assert "asks for a key" in sentences(at)
    at = check(at, URL, "sk-secret")
    at.button(key="attach_do").click().run()
    (stored,) = app.store.endpoints.list()
    assert app.secrets.get(stored.key_ref or "") == "sk-secret"
    assert "Key accepted" in sentences(at)
    assert "sk-secret" not in sentences(at)


def test_the_list_says_how_each_is_and_what_runs_on_it(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    client.servers["http://10.0.0.6:8000/v1"] = FakeServer(served_name="sim", simulated=True)
    session.app().endpoints.attach(LOCAL_OPERATOR, URL, name="real")
    session.app().endpoints.attach(LOCAL_OPERATOR, "http://10.0.0.6:8000", name="pretended")
    app.store.deployments.add(samples.deployment())
    deployed = samples.endpoint(origin=Origin.DEPLOYED, deployment_id="d-1", version_verified=True)
    app.store.endpoints.add(deployed)
    app.store.jobs.add(samples.job(server_key="address:10.0.0.5:8000", run_id=None))
    at = open_page("endpoints")
    written = sentences(at)
    assert "3 endpoints; 2 answered" in written
    assert ("Deployed here" in written, "Attached" in written) == (True, True)
    assert f"measure_{deployed.id}" not in [button.key for button in at.button], "its deployment has not begun to start"
    assert "tiny: 1, 16" in written.replace("\\", "")
    assert "Nothing is running on it" in written
    assert "Simulated" in written


def test_it_is_checked_again_and_a_silent_server_reads_so(
    app: App, client: FakeEndpointClient, open_page: Open
) -> None:
    stored = session.app().endpoints.attach(LOCAL_OPERATOR, URL)
    at = open_page("endpoints")
    client.servers.clear()
    at.button(key=f"refresh_{stored.id}").click().run()
    assert "Not answering" in sentences(at)
    assert "1 endpoint; 0 answered" in sentences(at)


def test_rename_key_and_archive(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    stored = session.app().endpoints.attach(LOCAL_OPERATOR, URL)
    at = open_page("endpoints")
    assert lost_by_tab(at) == []
    at.text_input(key=f"name_{stored.id}").set_value("Bench box").run()
    at.button(key=f"rename_{stored.id}").click().run()
    at.text_input(key=f"key_{stored.id}_0").set_value("sk-new").run()
    at.button(key=f"set_key_{stored.id}").click().run()
    found = app.store.endpoints.get(stored.id)
    assert found.name == "Bench box"
    assert app.secrets.get(found.key_ref or "") == "sk-new"
    at.button(key=f"archive_{stored.id}").click().run()
    assert app.store.endpoints.get(stored.id).archived_at is None, "it asks first"
    assert "Its runs stay" in sentences(at)
    session.app().endpoints.archive(LOCAL_OPERATOR, stored.id)
    at = open_page("endpoints", archived="true")
    at.button(key=f"restore_{stored.id}").click().run()
    assert app.store.endpoints.get(stored.id).archived_at is None


def test_an_empty_name_is_refused_in_words(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    stored = session.app().endpoints.attach(LOCAL_OPERATOR, URL)
    at = open_page("endpoints")
    at.text_input(key=f"name_{stored.id}").set_value(" ").run()
    at.button(key=f"rename_{stored.id}").click().run()
    assert not at.exception
    assert "Give it a name" in sentences(at)
    assert at.text_input(key=f"name_{stored.id}").value == " "


def test_a_viewer_reads_and_changes_nothing(app: App, client: FakeEndpointClient, open_page: Open) -> None:
    stored = session.app().endpoints.attach(LOCAL_OPERATOR, URL)
    at = open_page("endpoints", person=Role.VIEWER)
    assert not at.exception
    assert not at.text_input
    assert [button.key for button in at.button if stored.id in (button.key or "")] == [
        f"{verb}_{stored.id}" for verb in ("chat", "refresh")
    ]
