#!/usr/bin/env bash
# An image that takes `vllm serve ...` and `vllm bench serve ...`, as a vendor's does, and the tiny model's weights.
# Needs engine.sh, base_image.sh and vllm_site.sh.
. "$(dirname "$0")/common.sh"

if ! image_is_here "$VLLM_IMAGE"; then
  context=$(mktemp -d -p "$LAB" context.XXXXXX)
  trap 'rm -rf "$context"' EXIT
  cp -al "$LAB/site" "$context/site"
  cp "$LAB_SCRIPTS/vllm_command.py" "$context/vllm"
  cat >"$context/Dockerfile" <<DOCKER
FROM $BASE_IMAGE
COPY site /opt/site
RUN python3 -m compileall -q -j 0 /opt/site >/dev/null || true
COPY vllm /usr/local/bin/vllm
ENV PYTHONPATH=/opt/site HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 VLLM_CPU_KVCACHE_SPACE=1
DOCKER
  chmod 755 "$context/vllm"
  # Compiling beforehand halves every start (42 s to 24 s). A few packages carry files for other Pythons: they may fail.
  DOCKER_BUILDKIT=0 docker build -q -t "$VLLM_IMAGE" "$context" >"$LAB/image.log" 2>&1 \
    || { tail -n 20 "$LAB/image.log" >&2; die "the image could not be built"; }
  say "made $VLLM_IMAGE"
else
  say "$VLLM_IMAGE is here"
fi

weights=$LAB/models/tiny
if [ -f "$weights/config.json" ]; then say "weights are in $weights"; exit; fi
mkdir -p "$LAB/models"
docker run --rm --network none -v "$LAB/models:/models" -v "$LAB_SCRIPTS/tiny_model.py:/tiny_model.py:ro" "$VLLM_IMAGE" \
  sh -c 'python3 /tiny_model.py /models/.tiny && mv /models/.tiny /models/tiny' >"$LAB/tiny_model.log" 2>&1 \
  || { tail -n 20 "$LAB/tiny_model.log" >&2; die "the tiny model could not be made"; }
say "wrote a tiny random model to $weights"
