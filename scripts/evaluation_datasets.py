"""Writes catalog/evaluations/datasets.json: EvalScope's benchmarks as its package describes them, one a line.

    python scripts/evaluation_datasets.py

EvalScope is read as files, never imported: that takes five seconds. Run it anew with every new version of EvalScope."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "catalog" / "evaluations" / "datasets.json"
CHECKED = re.compile(r"check_import\(\s*(?:module_name=)?(\[[^\]]*\]|'[^']+')")
HUGGING_FACE = re.compile(r"name='(?P<name>[^']+)'.*?hf_dataset_id='(?P<id>[^']+)'", re.DOTALL)
RUNS_CODE = re.compile(r"exec_sandbox|execute_in_sandbox|CodeExecutionSandboxMixin|SandboxMixin|subprocess|exec\(")
JUDGED = re.compile(r"^    scoring_policy = ScoringPolicy\.JUDGE_", re.MULTILINE)
REGISTERED = re.compile(r"^@register_benchmark\(", re.MULTILINE)
CHINESE = re.compile(r"chinese|ceval|cmmlu|cmath|clue|zh", re.IGNORECASE)
NOT_FOR_CHOICE = {"general_mcq", "general_qa", "data_collection"}
"""They need a folder of one's own; what they do is here under other names."""


def entries(folder: Path) -> Iterator[dict[str, Any]]:
    """Every benchmark, by name."""
    index: Mapping[str, str] = json.loads((folder / "_index.json").read_text(encoding="utf-8"))
    for name, module in sorted(index.items()):
        if name in NOT_FOR_CHOICE:
            continue
        found = json.loads((folder / "_meta" / f"{name}.json").read_text(encoding="utf-8"))
        source = (folder.parents[1] / Path(*module.split("."))).with_suffix(".py")
        code = source.read_text(encoding="utf-8")
        yield _entry(name, found["meta"], found.get("statistics") or {}, code)


def _entry(name: str, meta: Mapping[str, Any], statistics: Mapping[str, Any], code: str) -> dict[str, Any]:
    counts = {row["name"]: row.get("sample_count") for row in statistics.get("subset_stats") or []}
    subsets = meta["subset_list"] or list(counts) or ["default"]
    prompt = statistics.get("prompt_length") or {}
    modules = sorted({module for match in CHECKED.findall(code) for module in re.findall(r"'([^']+)'", match)})
    return {
        "key": name,
        "name": meta["pretty_name"] or name,
        "category": meta["category"],
        "tags": meta["tags"],
        "repo": meta["dataset_id"],
        "hf_repo": _hugging_face(name, code),
        "subsets": [[subset, counts.get(subset)] for subset in subsets],
        "samples": statistics.get("total_samples") or None,
        "shots": meta["few_shot_num"],
        "metric": _metric(meta),
        "prompt_chars": round(prompt["mean"]) if prompt.get("mean") else None,
        "longest_chars": round(prompt["max"]) if prompt.get("max") else None,
        "needs": _needs(meta, code),
        "modules": modules,
        "languages": _languages(name, meta),
        "about": _about(meta["description"]),
    }


def _hugging_face(name: str, code: str) -> str | None:
    """The id in the other hub, where the adapter names one."""
    return next((match["id"] for match in HUGGING_FACE.finditer(code) if match["name"] == name), None)


def _metric(meta: Mapping[str, Any]) -> str:
    primary = meta.get("primary_metric")
    if primary:
        return str(primary["name"])
    first = next(iter(meta["metrics"]), "")
    return str(first if isinstance(first, str) else next(iter(first)))


def _needs(meta: Mapping[str, Any], code: str) -> list[str]:
    runs_code = bool(meta.get("sandbox_config")) or ("Coding" in meta["tags"] and RUNS_CODE.search(code) is not None)
    told = {
        "judge": bool(meta.get("requires_judge")) or _is_judged(code),
        "sandbox": runs_code,
        "images": meta["category"] in {"vlm", "aigc"},
        "agent": meta["category"] == "agent",
    }
    return [name for name, is_needed in told.items() if is_needed]


def _is_judged(code: str) -> bool:
    """As the adapter itself declares it: of two benchmarks the package's description forgets to tell."""
    return JUDGED.search(code) is not None and len(REGISTERED.findall(code)) == 1


def _languages(name: str, meta: Mapping[str, Any]) -> list[str]:
    if "MultiLingual" in meta["tags"]:
        return ["multi"]
    return ["zh"] if "Chinese" in meta["tags"] or CHINESE.search(name) else ["en"]


def _about(description: str) -> str:
    """The first sentence of its overview."""
    text = re.sub(r"^#+ .*$", "", description, flags=re.MULTILINE).strip()
    first = re.split(r"(?<=[.!?])\s", re.sub(r"[*`]", "", text), maxsplit=1)[0]
    return " ".join(first.split())[:240]


def main() -> None:
    """Writes the file."""
    package = distribution("evalscope")
    folder = Path(str(package.locate_file("evalscope"))) / "benchmarks"
    rows = [json.dumps(entry, ensure_ascii=False) for entry in entries(folder)]
    head = json.dumps({"source": f"the Python package evalscope {package.version}, benchmarks/_meta"})
    body = ",\n".join(rows)
    OUT.write_text(f'{head[:-1]}, "datasets": [\n{body}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
