#!/usr/bin/env bash
# Everything that tests/real needs, in order; what is there already is kept: a Docker engine, a base image, vLLM, a tiny
# model, vLLM's image. SEATRIAL_LAB says where (/var/tmp/seatrial-lab).
set -euo pipefail
cd "$(dirname "$0")"
bash vllm_site.sh &
site=$!
trap 'kill $site 2>/dev/null || true' EXIT
bash engine.sh start
bash base_image.sh
wait $site
bash vllm_image.sh
