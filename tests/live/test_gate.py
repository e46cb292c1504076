"""Gate, routes and error net on a real server: what holds before anybody has opened a page, and from outside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR, Role
from core.settings import read_settings
from tests.live.servers import ROOT, Answer, ask, free_port, web
from tests.live.visitor import Visit, visit

SECRET = "correct horse"
HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class Server:
    """A running web process, and what its first visitor saw."""

    port: int
    home: Path
    first: Visit | int

    def ask(self, path: str, **options: object) -> Answer:
        return ask(f"http://127.0.0.1:{self.port}{path}", **options)  # type: ignore[arg-type]

    def sign_in(self, name: str, password: str = SECRET) -> Answer:
        form = urllib.parse.urlencode({"name": name, "password": password}).encode()
        return self.ask("/login", method="POST", data=form)

    def cookie(self, name: str) -> dict[str, str]:
        return {"Cookie": self.sign_in(name).headers["set-cookie"].split(";")[0]}


def first_visit(port: int, page: str) -> Visit | int:
    """The very first request to a fresh server is a deep link; an int is the status at the door."""
    try:
        return visit(port, page)
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("local")
    with web(home) as port:
        yield Server(port, home, first_visit(port, "settings"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("shared")
    access = compose(read_settings({"SEATRIAL_HOME": str(home)})).access
    access.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    access.add_user(LOCAL_OPERATOR, "vera", Role.VIEWER, SECRET)
    with web(home, "0.0.0.0") as port:
        yield Server(port, home, first_visit(port, "settings"))


def test_a_deep_link_to_a_fresh_server_runs_the_frame_first(local: Server) -> None:
    assert isinstance(local.first, Visit)
    assert local.first.navigation and "Settings" in local.first.navigation
    assert local.first.texts["heading"][0] == "Settings"
    assert not local.first.page_not_found


def test_a_deep_link_to_a_fresh_server_elsewhere_finds_the_door_closed(shared: Server) -> None:
    assert shared.first == 403
    answer = shared.ask("/settings?x=1", headers=HTML)
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=/settings%3Fx%3D1")
    assert b'type="password"' in shared.ask("/login", headers=HTML).body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 503),
        ("/login", 200),
        ("/login/font", 200),
        ("/", 401),
        ("/api/anything", 401),
        ("/media/abc.png", 401),
        ("/app/static/inter.woff2", 401),
        ("/_stcore/metrics", 401),
        ("/static/../_stcore/metrics", 401),
        ("/%2e%2e/_stcore/metrics", 401),
    ],
)
def test_signed_out_only_the_door_is_open(shared: Server, path: str, status: int) -> None:
    assert shared.ask(path).status in {status, 400 if ".." in path or "%2e" in path else status}


def test_signed_out_nothing_is_uploaded(shared: Server) -> None:
    assert shared.ask("/_stcore/upload_file/a/b", method="PUT", data=b"x").status == 401


def test_each_role_sees_its_own_pages_and_identity_cannot_be_sent(shared: Server) -> None:
    spoofed = {"X-Seatrial-User": "li", "X-Seatrial-Session": "loopback"}
    seen = visit(shared.port, "settings", headers={**shared.cookie("vera"), **spoofed})
    assert seen.said("Signed in as vera")
    assert seen.said("Only operators see the accounts")
    assert not seen.said("**li**")
    assert visit(shared.port, "settings", headers=shared.cookie("li")).said("**vera**")
    with pytest.raises(InvalidStatus):
        visit(shared.port, headers=spoofed)


def test_a_session_that_ended_is_told_so_on_the_page(shared: Server) -> None:
    cookie = shared.cookie("vera")
    assert shared.ask("/logout", method="POST", headers=cookie).status == 303
    seen = visit(shared.port, "settings", headers=cookie)
    assert seen.said("Your session has ended")
    assert not seen.said("Settings")
    assert seen.navigation == []


def test_signed_in_static_files_and_unknown_api_paths_answer_as_they_should(shared: Server) -> None:
    cookie = shared.cookie("vera")
    assert shared.ask("/app/static/inter.woff2", headers=cookie).body[:4] == b"wOF2"
    assert shared.ask("/api/typo", headers=cookie).status == 404


def test_on_loopback_another_host_name_or_origin_is_kept_out(local: Server) -> None:
    assert local.ask("/", headers={"Host": "evil.example"}).status == 403
    with pytest.raises(InvalidStatus):
        visit(local.port, headers={"Origin": "http://127.0.0.1:9999"})
    assert visit(local.port, headers={"Origin": f"http://127.0.0.1:{local.port}"}).said("three steps")


def test_health_and_readiness_are_json(local: Server) -> None:
    assert json.loads(local.ask("/healthz").body)["product"] == "seatrial"
    answer = local.ask("/readyz")
    assert (answer.status, json.loads(answer.body)) == (503, {"ready": False, "database": True, "worker": False})


def test_an_open_address_is_refused_until_an_operator_exists(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    argv += ["--server.address=0.0.0.0", f"--server.port={free_port()}"]
    env = {"PATH": "/usr/bin:/bin", "SEATRIAL_HOME": str(tmp_path)}
    ended = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "0.0.0.0 can be reached by others" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_unforeseen_is_a_card_with_a_reference_and_one_traceback_in_the_log(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".streamlit", tmp_path / ".streamlit")
    (tmp_path / "boom.py").write_text("raise RuntimeError('hunter2')\n")
    launcher = (ROOT / "streamlit_app.py").read_text(encoding="utf-8")
    assert '"ui" / "shell.py"' in launcher
    (tmp_path / "launcher.py").write_text(launcher.replace('"ui" / "shell.py"', '"boom.py"'))
    with web(tmp_path, script=tmp_path / "launcher.py") as port:
        seen = visit(port)
    (card,) = seen.texts["alert"]
    reference = card.split("**")[1]
    log = (tmp_path / "web-test.log").read_text()
    assert "hunter2" not in card
    assert f"reference {reference}" in log
    assert log.count("Traceback (most recent call last)") == 1
