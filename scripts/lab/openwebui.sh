#!/usr/bin/env bash
# The real Open WebUI, on every address of this machine, for tests/real: openwebui.sh VERSION PORT DATA_DIR [NAME=VALUE ...]
# Installed once per version into the laboratory, without the packages that only its own embeddings, speech and image
# reading need (0.8 GB instead of 2.4). Runs in the foreground, offline; answers GET /health after 30 to 60 seconds.
# openwebui.sh VERSION installs alone.
. "$(dirname "$0")/common.sh"

version=${1:?usage: openwebui.sh VERSION [PORT DATA_DIR [NAME=VALUE ...]]}
site=$LAB/open-webui-$version
if [ ! -f "$site/.complete" ]; then
  rm -rf "$site"
  "${PYTHON:-python3}" -m venv "$site"
  printf '%s ; python_version < "3"\n' torch sentence-transformers transformers faster-whisper opencv-python-headless \
    rapidocr rapidocr-onnxruntime pyarrow >"$LAB/open-webui.overrides"
  "$site/bin/python" "$LAB_SCRIPTS/../fast_pip.py" --uv-only -q \
    --override "$LAB/open-webui.overrides" "open-webui==$version" >&2
  touch "$site/.complete"
  say "installed Open WebUI $version into $site" >&2
fi
[ $# -ge 3 ] || exit 0
port=$2 data=$3
shift 3
mkdir -p "$data"
exec env OFFLINE_MODE=true HF_HUB_OFFLINE=1 RAG_EMBEDDING_MODEL= ENABLE_VERSION_UPDATE_CHECK=false \
  WEBUI_SECRET_KEY=laboratory DATA_DIR="$data" "$@" "$site/bin/open-webui" serve --host 0.0.0.0 --port "$port"
