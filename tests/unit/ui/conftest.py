"""AppTest here costs what it costs for whole pages."""

from tests.pages.conftest import warm

__all__ = ["warm"]
