"""The vendor guide's own commands for DeepSeek-R1, as a person would paste them: every spelling is held to them."""

import subprocess

from core.domain.deployment import DeploymentRequest


def shell_words(text: str) -> list[str]:
    """The words that a real shell makes of ``text``."""
    told = subprocess.run(["sh", "-c", rf"printf '%s\0' {text.strip()}"], capture_output=True, text=True, check=True)
    return told.stdout.split("\0")[:-1]


LONG_CONTEXT = r"""
  docker run \
      --privileged=true --shm-size=256g \
      --name vllm_service \
      -v /path/to/model:/weights/ \
      -p 8000:8000 \
      --ipc=host \
      -e LLM_MAX_PREFILL_SEQ_LEN="102400" \
      -e FUSE_ALL_DECODER_LAYERS="0" \
      registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202 \
      vllm serve /weights/DeepSeek-R1-0528 \
      --trust-remote-code \
      --tensor-parallel-size 32 \
      --pipeline-parallel-size 2 \
      --max-model-len 131072 \
      --enforce-eager \
      --reasoning-parser deepseek_r1 \
      --host 0.0.0.0 \
      --port 8000 \
      --served-model-name DeepSeek-R1-0528
"""
"""tp32-pp2: 128k context, 100k input, no MTP."""

WITH_MTP = r"""
  docker run \
      --privileged=true --shm-size=256g \
      --name vllm_service \
      -v /path/to/model:/weights/ \
      -p 8000:8000 \
      --ipc=host \
      registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202 \
      vllm serve /weights/DeepSeek-R1-0528 \
      --trust-remote-code \
      --tensor-parallel-size 32 \
      --max-model-len 65536 \
      --enforce-eager \
      --reasoning-parser deepseek_r1 \
      --speculative-config '{"method":"deepseek_mtp","num_speculative_tokens":1}' \
      --host 0.0.0.0 \
      --port 8000 \
      --served-model-name DeepSeek-R1-0528
"""
"""tp32: 64k context, 56k input, MTP."""

_COMMON = {
    "image": "registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202",
    "weights": "/path/to/model/DeepSeek-R1-0528",
    "served_name": "DeepSeek-R1-0528",
    "privileged": True,
    "shm_size": "256g",
}
LONG_CONTEXT_REQUEST = DeploymentRequest(
    **_COMMON,
    env=(("LLM_MAX_PREFILL_SEQ_LEN", "102400"), ("FUSE_ALL_DECODER_LAYERS", "0")),
    serve_args=(
        "--trust-remote-code",
        *("--tensor-parallel-size", "32"),
        *("--pipeline-parallel-size", "2"),
        *("--max-model-len", "131072"),
        "--enforce-eager",
        *("--reasoning-parser", "deepseek_r1"),
    ),
)
WITH_MTP_REQUEST = DeploymentRequest(
    **_COMMON,
    serve_args=(
        "--trust-remote-code",
        *("--tensor-parallel-size", "32"),
        *("--max-model-len", "65536"),
        "--enforce-eager",
        *("--reasoning-parser", "deepseek_r1"),
        *("--speculative-config", '{"method":"deepseek_mtp","num_speculative_tokens":1}'),
    ),
)
MODES = ((LONG_CONTEXT, LONG_CONTEXT_REQUEST), (WITH_MTP, WITH_MTP_REQUEST))

BENCH = r"""
    vllm bench serve \
        --host 127.0.0.1 \
        --port 8000 \
        --model /weights/DeepSeek-R1-0528 \
        --dataset-name random \
        --num-prompts 3 \
        --random-input-len 128 \
        --ignore-eos \
        --random-output-len 1024 \
        --max-concurrency 1 \
        --served-model-name DeepSeek-R1-0528 \
        --save-result \
        --result-dir ./benchmark_result \
        --result-filename result.json
"""
"""The guide's example of a benchmark, run inside the container (where the host is the container itself)."""
