# Read by the other scripts of this folder: where the laboratory keeps its state, and how it says what it did.
# SEATRIAL_LAB   state, outside the repository (/var/tmp/seatrial-lab)
set -euo pipefail
LAB=${SEATRIAL_LAB:-/var/tmp/seatrial-lab}
LAB_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BASE_IMAGE=seatrial-lab/python:3.11
VLLM_VERSION=0.32.0
VLLM_IMAGE=seatrial-lab/vllm-cpu:$VLLM_VERSION
mkdir -p "$LAB"
lab_started=$SECONDS

say() { printf 'lab: %s (%ss)\n' "$*" $((SECONDS - lab_started)); }

die() { printf 'lab: %s\n' "$*" >&2; exit 1; }

# need COMMAND PACKAGE...: installs Debian packages where COMMAND is missing.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  [ "$(id -u)" = 0 ] || die "$command is missing; install $* (as root: apt-get install $*)"
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$LAB/apt.log" 2>&1 \
    || { tail -n 20 "$LAB/apt.log" >&2; die "apt-get could not install $*"; }
  say "installed $*"
}

image_is_here() { docker image inspect "$1" >/dev/null 2>&1; }

# A virtual environment that holds nothing but uv, for the laboratory's own installs.
tools_python() {
  [ -x "$LAB/tools/bin/python" ] || "${PYTHON:-python3}" -m venv "$LAB/tools" >&2
  echo "$LAB/tools/bin/python"
}
