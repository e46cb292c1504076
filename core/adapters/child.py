"""Runs a command that dies with its parent: ``python -I -S child.py PARENT_PID ARGV...``.

Started as a file, with nothing but the standard library: it costs milliseconds. Linux keeps the wish across exec; on
another system the command simply runs, and the server's lock alone keeps measurements apart.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Becomes the command. Exit code 127 where it cannot be started."""
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(128 + signal.SIGKILL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        os._exit(127)


if __name__ == "__main__":
    main()
