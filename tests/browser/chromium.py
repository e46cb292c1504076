"""Chromium for tests: every request that would leave the machine is stopped and remembered, every complaint too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Streamlit's front end looks for its own routes below a deep link first.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@dataclass
class Watched:
    """A page, what it asked for outside of this machine, and what it complained about."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector(IDLE, timeout=30_000)


@contextmanager
def watched(browser: Browser, scheme: str, locale: str) -> Iterator[Watched]:
    context = browser.new_context(color_scheme=scheme, locale=locale, timezone_id="Asia/Shanghai")  # type: ignore[arg-type]
    seen = Watched(context.new_page())

    def guard(route: object, request: object) -> None:
        url = urlsplit(request.url)  # type: ignore[attr-defined]
        if url.scheme in {"data", "blob"} or url.hostname == "127.0.0.1":
            route.continue_()  # type: ignore[attr-defined]
        else:
            seen.outside.append(request.url)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

    def heard(message: object) -> None:
        place = message.location.get("url", "")  # type: ignore[attr-defined]
        if message.type in {"error", "warning"} and not place.endswith(PROBES):  # type: ignore[attr-defined]
            seen.complaints.append(f"{message.text} {place}")  # type: ignore[attr-defined]

    context.route("**/*", guard)
    seen.page.on("console", heard)
    yield seen
    context.close()
