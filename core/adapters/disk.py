"""Room on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class LocalDisk:
    """Fulfils ports.Disk."""

    def usage(self, folder: Path) -> tuple[int, int]:
        """Bytes in ``folder``, and free where it lies. Files that vanish meanwhile count nothing."""
        used = 0
        for root, _, names in os.walk(folder):
            for name in names:
                used += _size(Path(root) / name)
        return used, self.free(folder)

    def free(self, folder: Path) -> int:
        """Bytes that are free where ``folder`` lies."""
        return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
