"""Long commands inside a container, so that nothing depends on one connection to the engine.

After a cut the engine reports exit code 126 whatever the command did, and closing a stream does not stop it. So the
command is started detached; output and exit code go to files; it is read by byte offset; and every process it starts
bears SEATRIAL_EXEC=<mark> in its environment, by which a second exec finds them all, whatever session they made.
The scripts need sh, grep, tail and head in the image.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import OutputNotUnderstood

VARIABLE = "SEATRIAL_EXEC"
READ_LIMIT_BYTES = 1024 * 1024

_FOLDER = "/tmp/seatrial-exec"

# mkdir is the claim: of two starts with one mark, one finds the folder there and does nothing.
_START = """mkdir -p "${0%/*}"; mkdir "$0" 2>/dev/null || exit 0
"$@" >"$0/log" 2>&1 </dev/null; echo $? >"$0/rc.new"; mv "$0/rc.new" "$0/rc" """

# The exit code is looked at before the output, so that nothing written before the end is missed. A command that ended
# without a code (killed from outside, or with its container) has no process left that bears the mark.
_READ = """code=; [ -d "$0" ] || { echo "- 0"; exit; }
[ -f "$0/rc" ] && code=$(cat "$0/rc")
if [ -z "$code" ] && ! grep -qzxF "$1" /proc/[0-9]*/environ 2>/dev/null; then
  code=137; [ -f "$0/rc" ] && code=$(cat "$0/rc"); fi
size=0; [ -f "$0/log" ] && size=$(wc -c <"$0/log"); more=$((size - $2)); [ $more -ge 0 ] || more=0
[ $more -gt $3 ] && { more=$3; code=; }
echo "${code:--} $more"; tail -c +$(($2 + 1)) "$0/log" 2>/dev/null | head -c $more"""

# TERM, half a second, KILL, until none bears the mark; the folder is made so that a late start does nothing.
_KILL = """mkdir -p "$0"; n=0; signal=TERM
while found=$(grep -lzxF "$1" /proc/[0-9]*/environ 2>/dev/null); [ -n "$found" ]; do
  [ $n -ge 10 ] && signal=KILL
  if [ $n -eq 0 ] || [ $n -ge 10 ]; then
    for path in $found; do path=${path#/proc/}; kill -s $signal "${path%/environ}" 2>/dev/null; done; fi
  n=$((n + 1)); [ $n -gt 100 ] && exit 1; sleep 0.05
done
[ -f "$0/rc" ] || { echo 137 >"$0/rc.new"; mv "$0/rc.new" "$0/rc"; }; exit 0"""


def start_argv(mark: str, argv: Sequence[str]) -> list[str]:
    """Runs ``argv`` once, output and exit code into files."""
    return ["sh", "-c", _START, f"{_FOLDER}/{mark}", *argv]


def read_argv(mark: str, offset: int) -> list[str]:
    """Prints ``CODE BYTES``, then that many bytes of the output from ``offset``."""
    return ["sh", "-c", _READ, f"{_FOLDER}/{mark}", f"{VARIABLE}={mark}", str(offset), str(READ_LIMIT_BYTES)]


def kill_argv(mark: str) -> list[str]:
    """Exit code 0 once no process bears the mark."""
    return ["sh", "-c", _KILL, f"{_FOLDER}/{mark}", f"{VARIABLE}={mark}"]


def parse_read(output: bytes) -> tuple[bytes, int | None]:
    """The output's new bytes, and the exit code when nothing is left to come. Raises OutputNotUnderstood when the
    connection was cut in the middle: read again."""
    head, _, data = output.partition(b"\n")
    code, _, length = head.decode("utf-8", "replace").partition(" ")
    if not length.isdecimal() or len(data) != int(length):
        raise OutputNotUnderstood(tool="docker exec", detail="the answer is incomplete", line=repr(output[:80]))
    return data, int(code) if code.isdecimal() else None
