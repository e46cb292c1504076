"""A full disk ends the child at once: EvalScope would go on, ask every question left, and lose every answer."""

from __future__ import annotations

import errno
import os
import sys

_FULL = {errno.ENOSPC, errno.EDQUOT}


def end_where_full(error: BaseException | None) -> None:
    """Ends this process, threads that still ask included, where the error or one of its causes is a full disk. Its last
    words go to standard error, where core.formats.evalscope.failure_code looks for them."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            why = f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}: {error.filename or ''}\n"
            sys.stderr.write(why)
            sys.stderr.flush()
            os._exit(1)
        error = error.__cause__ or error.__context__
