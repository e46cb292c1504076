#!/usr/bin/env bash
# Open WebUI as an image that behaves like the project's own: PORT says where it listens, data lie in /app/backend/data.
# Slim, as openwebui.sh, and made from the laboratory's base image, without a registry. Needs engine.sh and base_image.sh.
. "$(dirname "$0")/common.sh"

version=${1:-0.12.4}
image=seatrial-lab/open-webui:$version
image_is_here "$image" && { say "$image is here"; exit; }
context=$(mktemp -d -p "$LAB" context.XXXXXX)
trap 'rm -rf "$context"' EXIT
printf '%s ; python_version < "3"\n' torch sentence-transformers transformers faster-whisper opencv-python-headless \
  rapidocr rapidocr-onnxruntime pyarrow >"$LAB/open-webui.overrides"
"$(tools_python)" "$LAB_SCRIPTS/../fast_pip.py" --uv-only -q --target "$context/site" --python-version 3.11 \
  --override "$LAB/open-webui.overrides" "open-webui==$version"
cat >"$context/Dockerfile" <<DOCKER
FROM $BASE_IMAGE
COPY site /opt/site
RUN python3 -m compileall -q -j 0 /opt/site >/dev/null || true
ENV PYTHONPATH=/opt/site PORT=8080 DATA_DIR=/app/backend/data OFFLINE_MODE=true HF_HUB_OFFLINE=1 RAG_EMBEDDING_MODEL=
CMD ["sh", "-c", "exec python3 -c 'from open_webui import app; app()' serve --host 0.0.0.0 --port \$PORT"]
DOCKER
DOCKER_BUILDKIT=0 docker build -q -t "$image" "$context" >"$LAB/open-webui-image.log" 2>&1 \
  || { tail -n 20 "$LAB/open-webui-image.log" >&2; die "the image could not be built"; }
say "made $image"
