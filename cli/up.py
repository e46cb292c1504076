"""``seatrial up``: the whole app with one command, and one Ctrl-C to end it (make run, make demo).

Web and worker are children in sessions of their own. Ctrl-C or SIGTERM ends both. A closed terminal (SIGHUP) ends the
web and leaves the worker at its work; so does a killed ``up``. The next start finds that worker and takes it over.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from cli.address import WEB_SCRIPT, check_address, free_port, is_our_own, is_there, web_url
from cli.children import Child, end_all
from core.adapters.home import make_home
from core.adapters.locks import WORKER_LOCK, is_locked, read_record
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Origin
from core.errors import AppError, RefusedError, ToolFailed
from core.settings import Settings, read_settings
from render.texts import Texts, best_language

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_S = 60.0
SIMULATOR_PORT = 8765
_POLL_S = 0.05
_REFUSED_EXIT = 2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``seatrial up [--demo]``."""
    parser = commands.add_parser("up", help="start the app and its worker; Ctrl-C ends both")
    parser.add_argument("--demo", action="store_true", help="with a simulated vLLM attached, labelled as such")
    parser.set_defaults(run=lambda arguments: up(demo=arguments.demo))


def up(*, demo: bool = False) -> int:
    """Runs until it is told to end. Exit code 0 after Ctrl-C, 2 where it refuses to start, 1 where a child gave up."""
    t = Texts(best_language(os.environ.get("LC_ALL") or os.environ.get("LANG")))
    try:
        settings = _settings()
        check_address(settings.host, settings.port)
        make_home(settings)
        _check_before(settings)
        return Supervisor(settings, t, demo).run()
    except AppError as error:
        print(t.error(error), file=sys.stderr)
        if isinstance(error, ToolFailed):
            print(error.params.get("detail"), file=sys.stderr)  # the end of the child's log
        return _REFUSED_EXIT if isinstance(error, RefusedError) else 1


def _settings() -> Settings:
    try:
        return read_settings()
    except ValueError as error:
        raise RefusedError("setting_bad", detail=str(error)) from error


def _check_before(settings: Settings) -> None:
    """What the children find out for themselves can be said at once here: an address that others can reach and nobody
    can sign in at, a database elsewhere that cannot be used. Without either nothing is composed: that takes time."""
    if settings.is_loopback and settings.has_default_database:
        return
    from core.bootstrap import compose

    app = compose(settings)
    app.store.ping()
    if not settings.is_loopback and not app.access.has_operator():
        raise RefusedError("listen_needs_operator", host=settings.host)


@dataclass
class Supervisor:
    """Starts the children, says where the app is, keeps them alive, ends them."""

    settings: Settings
    t: Texts
    demo: bool
    children: list[Child] = field(default_factory=list)
    told: list[int] = field(default_factory=list)

    def run(self) -> int:
        """Until a signal, or until a child gives up (ToolFailed)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)
        try:
            self._start()
            while not self.told:
                self._revive()
                time.sleep(_POLL_S * 4)
        except BaseException:
            end_all(self.children)
            raise
        self._end()
        return 0

    def _note(self, number: int, _: FrameType | None) -> None:
        self.told.append(number)

    def _start(self) -> None:
        """Web first in the list: it is the first to be asked to end."""
        began = time.monotonic()
        env = {"SEATRIAL_DEMO": "1"} if self.demo else {}
        web_env = {
            **env,
            "MALLOC_ARENA_MAX": "2",
        }  # many short threads: each arena of the C library would keep its share
        web = Child(
            "web", _web_argv(self.settings), self._log("web"), ROOT, web_env, dies_with_us=True, final=_REFUSALS
        )
        worker = Child("worker", [sys.executable, "-m", "core.worker"], self._log("worker"), ROOT, env)
        self.children += [web, worker]
        web.start()
        if not self._take_over(worker):
            worker.start()
        if self.demo:
            self._start_simulator()
        url = web_url(self.settings.host, self.settings.port)
        self._wait_for(url)
        if not self.told:
            self._say("ready", url=url, span=self.t.duration(time.monotonic() - began), home=str(self.settings.home))

    def _take_over(self, worker: Child) -> bool:
        """A worker that outlived its terminal goes on with what it does."""
        lock = self.settings.locks / WORKER_LOCK
        pid = read_record(lock).get("pid") if is_locked(lock) else None
        return isinstance(pid, int) and worker.adopt(pid)

    def _start_simulator(self) -> None:
        port = free_port("127.0.0.1", SIMULATOR_PORT)
        argv = [sys.executable, "-m", "simulator", "--port", str(port)]
        simulator = Child("simulator", argv, self._log("simulator"), ROOT, dies_with_us=True)
        self.children.insert(1, simulator)
        simulator.start()
        self._attach(f"http://127.0.0.1:{port}")

    def _attach(self, url: str) -> None:
        """Once it answers, as a simulated endpoint: an earlier demo's is found again by its address."""
        from core.bootstrap import compose

        endpoints = compose(self.settings).endpoints
        while not self.told and not is_there(f"{url}/health"):
            self._revive()
            time.sleep(_POLL_S)
        if not self.told:
            name, label = self.t("up.simulator"), self.t("app.simulated")
            endpoints.attach(LOCAL_OPERATOR, url, origin=Origin.SIMULATED, name=name, version_label=label)

    def _wait_for(self, url: str) -> None:
        """Until the web process answers. Raises ToolFailed where it does not come up."""
        deadline = time.monotonic() + START_LIMIT_S
        while not self.told and not is_our_own(url):
            self._revive()
            if time.monotonic() > deadline:
                web = self.children[0]
                raise ToolFailed("child_silent", child=web.name, log=str(web.log), detail=web.last_words())
            time.sleep(_POLL_S)

    def _revive(self) -> None:
        for child in self.children:
            code = child.exit_code
            if code is not None and child.name == "worker" and self._take_over(child):
                continue  # somebody else started one meanwhile: there is only one per data folder
            tells_code = child.is_ours
            if child.revive():
                self._say("revived" if tells_code else "revived_untold", child=child.name, exit_code=code)

    def _end(self) -> None:
        if self.told[0] == signal.SIGHUP:
            end_all([child for child in self.children if child.name != "worker"])
            return
        self._say("ending")
        end_all(self.children)
        self._say("ended")

    def _log(self, name: str) -> Path:
        return self.settings.logs / f"{name}.log"

    def _say(self, key: str, **params: object) -> None:
        print(self.t(f"up.{key}", **params), flush=True)


_REFUSALS = frozenset({_REFUSED_EXIT})


def _web_argv(settings: Settings) -> list[str]:
    address = [f"--server.address={settings.host}", f"--server.port={settings.port}"]
    return [sys.executable, "-m", "streamlit", "run", str(WEB_SCRIPT), *address]
