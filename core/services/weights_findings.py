"""A model's folder, looked at before a container waits for it: each of these costs a minute when vLLM finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from core.domain.deployment import DeploymentRequest
from core.domain.finding import Finding, Severity
from core.domain.model import Model
from core.formats import vllm_serve
from core.ports import HostProbe
from core.services.weights_reading import WEIGHT_FILES, Damaged, WeightsReader

BLOCK, WARN = Severity.BLOCK, Severity.WARN
_FIELD = "weights"
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_TOKENIZERS = {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "tekken.json", "vocab.txt"}
_CONFIGS = ("config.json", "params.json")
_TP_FLAGS = ("--tensor-parallel-size", "-tp")
_LONGER_CONTEXT = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
_OVERRIDES = {"--hf-overrides", "--rope-scaling"}


def weights_findings(
    request: DeploymentRequest, probe: HostProbe, reader: WeightsReader | None = None
) -> Iterator[Finding]:
    """The path, what is in the folder, whether each file is whole, and what its config says of the arguments."""
    said = tuple(_path_findings(request.weights))
    yield from said
    if said:
        return
    seen = probe.look(request.weights)
    if seen.kind != "folder":
        yield _not_a_folder(request.weights, seen.kind, probe)
        return
    names = probe.list_dir(request.weights)
    config = next((name for name in _CONFIGS if name in names), None)
    if config is None:
        yield _no_config(request.weights, names, probe)
        return
    yield from _links(request.weights, config, probe)
    yield from _files(request, names, probe)
    yield from _whole(request.weights, names, reader or WeightsReader(probe))
    if config == "config.json":
        yield from config_findings(request, probe.read_json(f"{request.weights.rstrip('/')}/{config}") or {})


def _path_findings(weights: str) -> Iterator[Finding]:
    path = PurePosixPath(weights)
    if not weights:
        yield Finding("weights_empty", BLOCK, _FIELD)
    elif not path.is_absolute() or ".." in path.parts:
        yield Finding("weights_not_absolute", BLOCK, _FIELD, {"path": weights})
    elif ":" in weights:
        yield Finding("weights_colon", BLOCK, _FIELD, {"path": weights})
    elif str(path.parent) == "/":
        yield Finding("weights_at_root", BLOCK, _FIELD, {"path": weights})


def _not_a_folder(weights: str, kind: str, probe: HostProbe) -> Finding:
    if not probe.sees(weights):
        return Finding("weights_not_visible", WARN, _FIELD, {"path": weights})
    if kind == "denied":
        return Finding("weights_denied", BLOCK, _FIELD, {"path": weights})
    if kind == "file":
        return Finding("weights_is_file", BLOCK, _FIELD, {"path": weights})
    return Finding("weights_missing", BLOCK, _FIELD, {"path": weights})


def _no_config(weights: str, names: tuple[str, ...], probe: HostProbe) -> Finding:
    """Often the folder of all models was given: then their names are told."""
    base = weights.rstrip("/")
    models = [name for name in names if probe.look(f"{base}/{name}/config.json").kind == "file"]
    if models:
        listed = ", ".join(models[:5])
        return Finding("weights_is_parent", BLOCK, _FIELD, {"path": weights, "models": listed, "first": models[0]})
    return Finding("weights_no_config", BLOCK, _FIELD, {"path": weights})


def _links(weights: str, config: str, probe: HostProbe) -> Iterator[Finding]:
    """A link that leads out of the mounted folder leads nowhere inside the container."""
    parent = str(PurePosixPath(weights).parent)
    real, mounted = probe.look(f"{weights.rstrip('/')}/{config}").real_path, probe.look(parent).real_path
    if not PurePosixPath(real).is_relative_to(mounted):
        params = {"path": weights, "target": str(PurePosixPath(real).parent), "parent": parent}
        yield Finding("weights_link_outside", BLOCK, _FIELD, params)


def _files(request: DeploymentRequest, names: tuple[str, ...], probe: HostProbe) -> Iterator[Finding]:
    weights = request.weights
    missing = [name for name in _indexed(weights, names, probe) if name not in names]
    if missing:
        yield Finding(
            "weights_incomplete", BLOCK, _FIELD, {"path": weights, "count": len(missing), "first": missing[0]}
        )
    elif not any(name.endswith(WEIGHT_FILES) for name in names):
        yield Finding("weights_no_files", BLOCK, _FIELD, {"path": weights})
    own_tokenizer = any(flag == "--tokenizer" for flag, _ in vllm_serve.flag_values(request.serve_args))
    if not own_tokenizer and not _TOKENIZERS & set(names) and not any(name.endswith(".tiktoken") for name in names):
        yield Finding("weights_no_tokenizer", WARN, _FIELD, {"path": weights})


def _indexed(weights: str, names: tuple[str, ...], probe: HostProbe) -> list[str]:
    """Every file that the weights' index names."""
    index = next((name for name in _INDEXES if name in names), None)
    table = (probe.read_json(f"{weights.rstrip('/')}/{index}") or {}).get("weight_map") if index else None
    return sorted({str(name) for name in table.values()}) if isinstance(table, dict) else []


def _whole(weights: str, names: tuple[str, ...], reader: WeightsReader) -> Iterator[Finding]:
    """One finding for each kind of damage, with the first file of it."""
    kinds: dict[str, list[Damaged]] = {}
    for one in reader.damaged(weights, names):
        kinds.setdefault(one.kind, []).append(one)
    for kind, files in kinds.items():
        first = files[0]
        params: dict[str, str | int | float | bool | None] = {"path": weights, "file": first.name, "count": len(files)}
        if kind == "pointer":
            yield Finding("weights_lfs_pointer", BLOCK, _FIELD, params)
        elif kind == "header":
            yield Finding("weights_header_bad", BLOCK, _FIELD, params)
        elif first.missing_bytes > 0:
            yield Finding("weights_cut", BLOCK, _FIELD, {**params, "missing_mib": max(first.missing_bytes >> 20, 1)})
        else:
            yield Finding("weights_too_long", BLOCK, _FIELD, params)


def architecture_findings(request: DeploymentRequest, probe: HostProbe, model: Model | None) -> Iterator[Finding]:
    """The class that the folder's config names, against the one that the catalog knows the chosen model by."""
    if model is None or not model.classes or probe.look(request.weights).kind != "folder":
        return
    config = probe.read_json(f"{request.weights.rstrip('/')}/config.json") or {}
    named = config.get("architectures")
    found = [str(name) for name in named] if isinstance(named, list) else []
    if found and not set(found) & set(model.classes):
        params = {"found": found[0], "expected": model.classes[0], "model": model.name, "path": request.weights}
        yield Finding("weights_other_model", BLOCK, _FIELD, params, model.source)


# ---------------------------------------------------------------- what the config says


def config_findings(request: DeploymentRequest, config: Mapping[str, Any]) -> Iterator[Finding]:
    """The model's own limits against the arguments, as vLLM checks them at its start."""
    text = config.get("text_config")
    model = {**config, **(text if isinstance(text, dict) else {})}
    heads, tp = model.get("num_attention_heads"), vllm_serve.int_argument(request.serve_args, *_TP_FLAGS)
    if isinstance(heads, int) and tp and heads % tp:
        yield Finding("start_heads_not_divisible", BLOCK, "serve_args", {"heads": heads, "tp": tp})
    limit, asked = _context_limit(request, model), vllm_serve.int_argument(request.serve_args, "--max-model-len")
    if limit is not None and asked is not None and asked > limit:
        yield Finding("start_context_too_long", BLOCK, "serve_args", {"requested": asked, "limit": limit})


def own_context(request: DeploymentRequest, probe: HostProbe) -> int | None:
    """Tokens that the model itself allows: what vLLM serves where no length is given (its ``ModelConfig``: the least of
    the config's lengths, times the factor of a scaled rotary embedding). None: not readable, or overridden."""
    if any(flag in _OVERRIDES for flag, _ in vllm_serve.flag_values(request.serve_args)):
        return None
    config = probe.read_json(f"{request.weights.rstrip('/')}/config.json") if request.weights.startswith("/") else None
    if config is None:
        return None
    text = config.get("text_config")
    model = {**config, **(text if isinstance(text, dict) else {})}
    lengths = [model[name] for name in _LENGTHS if isinstance(model.get(name), int)]
    return _scaled(min(lengths), model) if lengths else None


_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length")
_SCALED_ALREADY = {"su", "longrope", "llama3", "default"}


def _scaled(length: int, model: Mapping[str, Any]) -> int:
    named = (model.get(name) for name in ("rope_scaling", "rope_parameters"))
    scaling: Mapping[str, Any] = next((found for found in named if isinstance(found, dict)), {})
    kind, factor = scaling.get("rope_type") or scaling.get("type"), scaling.get("factor")
    if kind in _SCALED_ALREADY or not isinstance(factor, int | float):
        return length
    original = scaling.get("original_max_position_embeddings")
    return int((original if kind == "yarn" and isinstance(original, int) else length) * factor)


def _context_limit(request: DeploymentRequest, model: Mapping[str, Any]) -> int | None:
    """None where positions are scaled or the limit is lifted: what is possible then is vLLM's to say."""
    scaled = any(
        isinstance(model.get(name), dict) and "factor" in model[name] for name in ("rope_scaling", "rope_parameters")
    )
    overridden = any(flag in _OVERRIDES for flag, _ in vllm_serve.flag_values(request.serve_args))
    limit = model.get("max_position_embeddings")
    if scaled or overridden or dict(request.env).get(_LONGER_CONTEXT) == "1" or not isinstance(limit, int):
        return None
    return limit
