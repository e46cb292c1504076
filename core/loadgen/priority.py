"""Being woken in time while a point is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def real_time() -> Iterator[bool]:
    """Meanwhile this process runs before all ordinary ones (sched(7): round robin, lowest priority), where this user
    may: as root or with CAP_SYS_NICE. Whether it does. A server that fills every CPU of the same machine would else
    let an answer wait before it is stamped, up to seconds (docs/BENCHMARKS.md); what the generator needs of a CPU it
    takes in any case, and the kernel keeps 5 % for the others."""
    if not _raise():
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _raise() -> bool:
    if not hasattr(os, "sched_setscheduler") or (os.cpu_count() or 1) < 2:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return False
    return True
