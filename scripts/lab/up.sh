#!/usr/bin/env bash
# Everything that tests/real needs, in order; what is there already is kept: a Docker engine, a base image, vLLM, its image
# and a tiny model, Open WebUI of two generations and as an image, Chromium, PostgreSQL. SEATRIAL_LAB says where
# (/var/tmp/seatrial-lab).
set -euo pipefail
cd "$(dirname "$0")"
bash vllm_site.sh & # 2.5 GB from the package index, while the engine and the base image are made
site=$!
trap 'kill $site 2>/dev/null || true' EXIT
bash engine.sh start
bash base_image.sh
wait $site
bash vllm_image.sh
bash openwebui.sh 0.12.4
bash openwebui.sh 0.6.18
bash openwebui_image.sh 0.12.4
bash browser.sh
bash postgresql.sh
