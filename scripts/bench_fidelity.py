"""How truly a load generator reads a server with an exact schedule: 200 ms to the first token, 20 ms per token.

python scripts/bench_fidelity.py [--json FILE] [--repeats 5] [--streams 1,16,64,256,512] [--waves 3]
Medians of the repeats. Beside ours: `vllm bench serve` and `vllm-rs bench serve` where they are found: on PATH, or by
the commands in VLLM and VLLM_RS (the wheel of vLLM 0.33 and later carries the binary vllm/vllm-rs).
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.domain.workload import Api, LoadPoint  # noqa: E402
from core.loadgen.health import HostCpu  # noqa: E402
from core.loadgen.task import LoadTask  # noqa: E402
from scripts.measured import machine_now  # noqa: E402

TTFT_MS, ITL_MS, INPUT_TOKENS, OUTPUT_TOKENS = 200.0, 20.0, 128, 128
VOCABULARY_SIZE = 32_000
TOUGH_STREAMS = 64
CPU_LIMIT = 2.5
QUIET_SHARE, _LOOK_S = 0.08, 0.5


@dataclass(frozen=True)
class Case:
    """What the server does, and what is true of it."""

    name: str
    options: tuple[str, ...] = ()
    api: Api = Api.COMPLETIONS
    tokens_per_chunk: int = 1
    jitters: bool = False
    fails: bool = False

    @property
    def chunks(self) -> int:
        """Output chunks of one answer."""
        return -(-OUTPUT_TOKENS // self.tokens_per_chunk)

    @property
    def tpot_ms(self) -> float:
        """Time per output token, by the schedule."""
        return (self.chunks - 1) * ITL_MS / (OUTPUT_TOKENS - 1)

    def possible_tokens_per_s(self, streams: int, truth: dict[str, Any]) -> float:
        """What was possible when every stream is always busy: by the schedule; where requests differ from one another,
        by how long the server had each."""
        if not (self.jitters or self.fails):
            return streams * OUTPUT_TOKENS / (TTFT_MS + (self.chunks - 1) * ITL_MS) * 1000.0
        whole = truth["requests"] - truth["refused"] - truth["dropped"]
        return float(whole * OUTPUT_TOKENS / shortest_s(truth["services_s"], streams))


def shortest_s(services_s: Sequence[float], streams: int) -> float:
    """Seconds that so many streams need at least for requests of these durations, in their order: each begins as soon
    as one stream is free."""
    free_at = [0.0] * streams
    for seconds in services_s:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)


PLAIN = Case("plain")
TOUGH = (
    Case("2 tokens per chunk", ("--tokens-per-chunk", "2"), tokens_per_chunk=2),
    Case("reasoning (chat)", ("--reasoning",), api=Api.CHAT),
    Case("log-normal TTFT", ("--jitter", "lognormal"), jitters=True),
    Case("5 % dropped halfway", ("--drop-share", "0.05"), fails=True),
    Case("5 % HTTP 400", ("--status", "400", "--status-share", "0.05"), fails=True),
    Case("5 % HTTP 429", ("--status", "429", "--status-share", "0.05"), fails=True),
    Case("5 % HTTP 500", ("--status", "500", "--status-share", "0.05"), fails=True),
)


@dataclass(frozen=True)
class Reading:
    """What a client says of one run."""

    ttft_ms: float
    tpot_ms: float
    itl_p99_ms: float
    output_tokens_per_s: float
    succeeded: int
    failed: int


@dataclass
class Figures:
    """A reading held against the truth. Errors in percent of the truth, ITL in ms above what the server did.
    ``failed``: requests, by the client; ``failed_truly``: by the server's own count.
    ``others_share``: what neither the client nor the server used of the CPUs, and was not idle."""

    ttft_error: float
    tpot_error: float
    itl_over_ms: float
    throughput_share: float
    cpu_ms_per_request: float
    server_late_p99_ms: float
    ttft_ms: float
    failed: float
    failed_truly: float
    others_share: float


@dataclass
class Row:
    """One client in one case. ``misses``: the limits that the medians do not keep."""

    case: str
    client: str
    streams: int
    medians: Figures
    runs: list[Figures]
    misses: list[str] = field(default_factory=list)


_COLUMNS = (
    *("server", "client", "streams", "TTFT mean", "error", "TPOT error", "ITL p99 over", "possible tok/s"),
    *("failed / truly", "CPU/request", "others"),
)
Client = Callable[[Case, str, int, int, Path], tuple[Reading, float]]


def main() -> int:
    """Prints the table as it grows; writes JSON where asked. Exit 1 when our own medians miss a limit, or when any of
    our runs counts other failures than the server does."""
    options = _options()
    clients = _clients(options)
    rows: list[Row] = []
    machine = machine_now()
    print(f"{machine['cpus']} CPUs ({machine['cpu']}), load {machine['load_average'][0]:.1f}, {machine['at'][:10]}\n")
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    cases = [(PLAIN, streams) for streams in options.streams] + [(case, TOUGH_STREAMS) for case in options.tough]
    for case, streams in cases:
        chosen = clients if case is PLAIN else {"seatrial": clients["seatrial"]}
        found = measure(case, streams, chosen, options)
        judge(found)
        rows += found
        for row in found:
            print(line_of(row), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(_document(machine, rows, options), indent=2))
    missed = [row for row in rows if row.client == "seatrial" and row.misses]
    for row in missed:
        print(f"missed: {row.case}, {row.streams} streams: {', '.join(row.misses)}")
    return int(bool(missed))


def measure(case: Case, streams: int, clients: dict[str, Client], options: argparse.Namespace) -> list[Row]:
    """Every client in turn, ``repeats`` times over, against one server. A run beside which others used the machine is
    made again, at most as often as there are repeats; the least disturbed ones count."""
    runs: dict[str, list[Figures]] = {name: [] for name in clients}
    with exact_server(case) as url:
        for attempt in range(2 * options.repeats):
            for name, client in clients.items():
                quiet = [run for run in runs[name] if run.others_share < QUIET_SHARE]
                if attempt < options.repeats or len(quiet) < options.repeats:
                    settle(options.settle_s)
                    runs[name].append(measure_once(case, url, streams, streams * options.waves, client))
    rows = []
    for name, found in runs.items():
        kept = sorted(found, key=lambda run: run.others_share)[: options.repeats]
        rows.append(Row(case.name, name, streams, _medians(kept), kept))
    return rows


def measure_once(case: Case, url: str, streams: int, requests: int, client: Client) -> Figures:
    """One run of one client, and what else the machine did meanwhile."""
    _ask(url, "/truth/reset", post=True)
    host, begun = HostCpu(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reading, cpu_s = client(case, url, streams, requests, Path(folder))
    available_s = (os.cpu_count() or 1) * (time.monotonic() - begun)
    truth = json.loads(_ask(url, "/truth"))
    others_share = max(0.0, (host.busy_share() or 0.0) - (cpu_s + truth["cpu_s"]) / available_s)
    return compare(case, streams, requests, reading, cpu_s, others_share, truth)


def settle(limit_s: float) -> None:
    """Waits until the machine is quiet, but no longer than this: what others do on it would be measured too."""
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up:
        host = HostCpu()
        time.sleep(_LOOK_S)
        if (host.busy_share() or 0.0) < QUIET_SHARE:
            return


def compare(
    case: Case,
    streams: int,
    requests: int,
    reading: Reading,
    cpu_s: float,
    others_share: float,
    truth: dict[str, Any],
) -> Figures:
    """One reading against the schedule; a jittering server is its own truth."""
    true_ttft_ms = truth["ttft_ms"]["mean"] if case.jitters else TTFT_MS
    return Figures(
        ttft_error=(reading.ttft_ms / true_ttft_ms - 1.0) * 100.0,
        tpot_error=(reading.tpot_ms / case.tpot_ms - 1.0) * 100.0,
        itl_over_ms=reading.itl_p99_ms - truth["itl_ms"]["p99"],
        throughput_share=reading.output_tokens_per_s / case.possible_tokens_per_s(streams, truth) * 100.0,
        cpu_ms_per_request=cpu_s / requests * 1000.0,
        server_late_p99_ms=truth["lateness_ms"]["p99"],
        ttft_ms=reading.ttft_ms,
        failed=reading.failed,
        failed_truly=truth["refused"] + truth["dropped"] if case.fails else 0,
        others_share=others_share,
    )


def judge(rows: Sequence[Row]) -> None:
    """Notes which limits of the project a client's medians miss."""
    rust = next((row.medians.cpu_ms_per_request for row in rows if row.client == "vllm-rs"), None)
    for row in rows:
        medians, crowded = row.medians, row.streams > 256
        limits = {
            "TTFT": abs(medians.ttft_error) <= (2.0 if crowded else 1.0),
            "TPOT": abs(medians.tpot_error) <= 0.5,
            "ITL p99": crowded or medians.itl_over_ms <= 4.0,
            "throughput": medians.throughput_share >= 99.0,
            "failures": all(run.failed == run.failed_truly for run in row.runs),
            "CPU": rust is None or medians.cpu_ms_per_request <= CPU_LIMIT * rust,
        }
        row.misses = [name for name, kept in limits.items() if not kept]


def line_of(row: Row) -> str:
    """The table's line."""
    medians = row.medians
    cells = (
        row.case,
        f"{row.client} (misses {', '.join(row.misses)})" if row.misses else row.client,
        str(row.streams),
        f"{medians.ttft_ms:.1f} ms",
        f"{medians.ttft_error:+.2f} %",
        f"{medians.tpot_error:+.2f} %",
        f"{medians.itl_over_ms:+.1f} ms",
        f"{medians.throughput_share:.1f} %",
        f"{medians.failed:g} / {medians.failed_truly:g}",
        f"{medians.cpu_ms_per_request:.1f} ms",
        f"{medians.others_share * 100.0:.0f} %",
    )
    return f"| {' | '.join(cells)} |"


# ---------------------------------------------------------------- clients


def run_ours(case: Case, url: str, streams: int, requests: int, folder: Path) -> tuple[Reading, float]:
    """Our own, as the worker starts it."""
    task = LoadTask(
        base_url=url,
        served_name="exact",
        api=case.api,
        point=LoadPoint(0, concurrency=streams, requests=requests, warmup=0),
        repeat=0,
        input_tokens=INPUT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        seed=int.from_bytes(os.urandom(3), "big"),
        out_dir=str(folder),
        vocabulary_size=VOCABULARY_SIZE,
    )
    path = folder / "task.json"
    path.write_text(task.to_json())
    cpu_s = _run([sys.executable, "-m", "core.loadgen", str(path)])
    found = json.loads((folder / "measurement.json").read_text())
    return (
        Reading(
            found["ttft_ms"]["mean"],
            found["tpot_ms"]["mean"],
            found["itl_ms"]["p99"],
            found["output_tokens_per_s"],
            found["requests"]["succeeded"],
            found["requests"]["failed"],
        ),
        cpu_s,
    )


def vllm_client(command: Sequence[str], tokenizer: Path) -> Client:
    """`bench serve` of vLLM, in Python or in Rust: the flags and the result's keys are the same."""

    def run(case: Case, url: str, streams: int, requests: int, folder: Path) -> tuple[Reading, float]:
        arguments = {
            "--backend": "openai",
            "--base-url": url.removesuffix("/v1"),
            "--endpoint": "/v1/completions",
            "--model": "exact",
            "--tokenizer": str(tokenizer),
            "--dataset-name": "random",
            "--random-input-len": str(INPUT_TOKENS),
            "--random-output-len": str(OUTPUT_TOKENS),
            "--num-prompts": str(requests),
            "--max-concurrency": str(streams),
            "--seed": str(int.from_bytes(os.urandom(3), "big")),
            "--temperature": "0",
            "--percentile-metrics": "ttft,tpot,itl,e2el",
            "--metric-percentiles": "50,99",
            "--result-dir": str(folder),
            "--result-filename": "theirs.json",
        }
        flags = [text for pair in arguments.items() for text in pair]
        cpu_s = _run([*command, "bench", "serve", *flags, "--ignore-eos", "--disable-tqdm", "--save-result"])
        found = json.loads((folder / "theirs.json").read_text())
        return (
            Reading(
                found["mean_ttft_ms"],
                found["mean_tpot_ms"],
                found["p99_itl_ms"],
                found["output_throughput"],
                found["completed"],
                found.get("failed", 0),
            ),
            cpu_s,
        )

    return run


def _clients(options: argparse.Namespace) -> dict[str, Client]:
    clients: dict[str, Client] = {"seatrial": run_ours}
    found = {"vllm-rs": shlex.split(options.vllm_rs), "vllm": shlex.split(options.vllm or _lab_vllm())}
    commands = {name: command for name, command in found.items() if command and shutil.which(command[0])}
    if commands:
        tokenizer = write_tokenizer(Path(tempfile.mkdtemp(prefix="tokenizer-")))
        clients |= {name: vllm_client(command, tokenizer) for name, command in commands.items()}
    for name in sorted(set(found) - set(commands)):
        print(f"{name}: not found, left out")
    return clients


def _lab_vllm() -> str:
    """The vLLM that scripts/lab/vllm_site.sh has made, if it has and this is its Python; else the one on PATH."""
    site = Path(os.environ.get("SEATRIAL_LAB", "/var/tmp/seatrial-lab")) / "site"
    if not (site / "vllm").is_dir() or shutil.which("python3.11") is None:
        return "vllm"
    return f"env PYTHONPATH={site} VLLM_LOGGING_LEVEL=ERROR python3.11 -m vllm.entrypoints.cli.main"


def write_tokenizer(folder: Path) -> Path:
    """A tokenizer of made-up words, which vLLM's clients need to make a prompt."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"<unk>": 0} | {f"w{number}": number for number in range(1, VOCABULARY_SIZE)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "model_max_length": 131_072}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": VOCABULARY_SIZE}))
    return folder


def _run(command: Sequence[str]) -> float:
    """Runs to the end; CPU seconds of the process and its children."""
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{command[0]} ended with {child.returncode}:\n{said.read()[-2000:]}")
    return usage.ru_utime + usage.ru_stime


# ---------------------------------------------------------------- server


@contextmanager
def exact_server(case: Case) -> Iterator[str]:
    """The base URL of a server that keeps the case's schedule."""
    times = ("--ttft-ms", str(TTFT_MS), "--itl-ms", str(ITL_MS), "--vocabulary-size", str(VOCABULARY_SIZE))
    command = [sys.executable, "-m", "simulator.exact", *times, *case.options]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield child.stdout.readline().split()[-1]
    finally:
        child.terminate()
        child.wait()


def _ask(url: str, path: str, post: bool = False) -> bytes:
    request = urllib.request.Request(url.removesuffix("/v1") + path, data=b"" if post else None)
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
    return body


# ---------------------------------------------------------------- odds and ends


def _medians(runs: Sequence[Figures]) -> Figures:
    names = Figures.__dataclass_fields__
    return Figures(**{name: statistics.median(getattr(run, name) for run in runs) for name in names})


def _document(machine: dict[str, Any], rows: Sequence[Row], options: argparse.Namespace) -> dict[str, Any]:
    return {
        **machine,
        "repeats": options.repeats,
        "requests_per_stream": options.waves,
        "rows": [asdict(row) for row in rows],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--json", type=Path)
    add("--repeats", type=int, default=5)
    add("--waves", type=int, default=3, help="requests per stream")
    add("--streams", type=lambda text: [int(part) for part in text.split(",") if part], default=[1, 16, 64, 256, 512])
    add("--no-tough", dest="tough", action="store_const", const=(), default=TOUGH, help="the plain server only")
    add("--settle-s", type=float, default=20.0, help="wait so long for a quiet machine before every run")
    add("--vllm-rs", default=os.environ.get("VLLM_RS", "vllm-rs"), help="the command before `bench serve`")
    add("--vllm", default=os.environ.get("VLLM", ""), help="likewise; by default the lab's, or the one on PATH")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
