"""Where the catalog's files are."""

from __future__ import annotations

from typing import Protocol

from core.domain.catalog import Catalog


class CatalogSource(Protocol):
    """Ours, and the team's own folder, which wins."""

    def load(self) -> Catalog:
        """As the files are now; what was not understood is among its problems."""
        ...

    def save(self, name: str, text: str) -> None:
        """A file of the team's folder. Raises StoreError (catalog_not_writable: path, detail)."""
        ...

    def delete(self, name: str) -> None:
        """Does nothing where there is none. Raises StoreError (catalog_not_writable)."""
        ...
