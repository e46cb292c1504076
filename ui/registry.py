"""Every page of the app, in the order of the navigation. A page is here only when it works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.domain.access import Role

FOLDER = Path(__file__).resolve().parents[1] / "pages"


@dataclass(frozen=True)
class PageEntry:
    """``name`` is file, address and key of its texts ([page.<name>] title, lead). Hidden: reached by links only.
    ``role``: what its reader needs; others do not see it in the navigation and are told why."""

    name: str
    section: str
    icon: str
    role: Role = Role.VIEWER
    hidden: bool = False
    default: bool = False

    @property
    def path(self) -> Path:
        """The page's file."""
        return FOLDER / f"{self.name}.py"

    @property
    def title_key(self) -> str:
        """The key of its title."""
        return f"page.{self.name}.title"


PAGES: tuple[PageEntry, ...] = (
    PageEntry("overview", "serve", ":material/home:", default=True),
    PageEntry("endpoints", "serve", ":material/lan:"),
    PageEntry("deploy", "serve", ":material/rocket_launch:", role=Role.OPERATOR),
    PageEntry("models", "serve", ":material/hard_drive:"),
    PageEntry("deployments", "serve", ":material/deployed_code:"),
    PageEntry("deployment", "serve", ":material/deployed_code:", hidden=True),
    PageEntry("chat", "serve", ":material/forum:"),
    PageEntry("open_webui", "serve", ":material/hub:"),
    PageEntry("benchmark", "measure", ":material/speed:", role=Role.OPERATOR),
    PageEntry("accuracy", "measure", ":material/fact_check:", role=Role.OPERATOR),
    PageEntry("datasets", "measure", ":material/library_books:", hidden=True),
    PageEntry("jobs", "system", ":material/checklist:"),
    PageEntry("runs", "measure", ":material/table_rows:"),
    PageEntry("import_results", "measure", ":material/upload_file:", role=Role.OPERATOR, hidden=True),
    PageEntry("run", "measure", ":material/show_chart:", hidden=True),
    PageEntry("compare", "measure", ":material/compare_arrows:"),
    PageEntry("release", "measure", ":material/approval:", hidden=True),
    PageEntry("leaderboard", "measure", ":material/leaderboard:"),
    PageEntry("evaluation", "measure", ":material/quiz:", hidden=True),
    PageEntry("compare_evaluations", "measure", ":material/difference:", hidden=True),
    PageEntry("sample", "measure", ":material/quiz:", hidden=True),
    PageEntry("host", "system", ":material/dns:"),
    PageEntry("settings", "system", ":material/settings:"),
)

DEFAULT = next(page.name for page in PAGES if page.default)


def entry(name: str) -> PageEntry:
    """The page of that name. KeyError where there is none."""
    for page in PAGES:
        if page.name == name:
            return page
    raise KeyError(name)


def has(name: str) -> bool:
    """Whether the page is part of this version: links to it are drawn only then."""
    return any(page.name == name for page in PAGES)


def sections(pages: Iterable[PageEntry]) -> tuple[str, ...]:
    """The sections in order of first appearance."""
    return tuple(dict.fromkeys(page.section for page in pages))
