"""A model hub on this machine, real HTTP: both dialects, ranges, and faults that a test puts in."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from core.domain.weights import RemoteFile

COMMIT = "c" * 40
REPO = "ours/tiny"
_CHUNK = 16_384


def weights_files(shards: int = 2, shard_bytes: int = 300_000) -> dict[str, bytes]:
    """A small model: config, index, tokenizer, shards of bytes that tell where they are from."""
    files = {f"model-{n + 1:05d}-of-{shards:05d}.safetensors": _bytes(n, shard_bytes) for n in range(shards)}
    index = {"weight_map": {f"w{n}": name for n, name in enumerate(files)}}
    return {
        **files,
        "config.json": json.dumps({"architectures": ["LlamaForCausalLM"]}).encode(),
        "model.safetensors.index.json": json.dumps(index).encode(),
        "tokenizer.json": b"{}",
        ".gitattributes": b"*.safetensors filter=lfs",
    }


def _bytes(number: int, count: int) -> bytes:
    """Different in every shard, and at every place of it."""
    pattern = bytes((i * 7 + number) % 251 for i in range(251))
    return (pattern * (count // 251 + 1))[:count]


@dataclass
class LocalHub:
    """``files`` of the one repository. ``cut``: a file's name -> after how many bytes of an answer its connection
    breaks, once for each item. ``pause_s`` after each piece. ``denied``: whoever has no token. ``served``: (file, first
    byte) of every answer with content."""

    files: dict[str, bytes]
    cut: dict[str, list[int]] = field(default_factory=dict)
    pause_s: float = 0.0
    token: str | None = None
    damaged: dict[str, bytes] = field(default_factory=dict)
    served: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    def remote(self) -> tuple[RemoteFile, ...]:
        """What the hub tells of its files."""
        return tuple(_remote(name, content) for name, content in self.files.items())


def _remote(name: str, content: bytes) -> RemoteFile:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else None
    return RemoteFile(name, len(content), sha256, blob)


@contextmanager
def local_hub(files: Mapping[str, bytes] | None = None, **options: Any) -> Iterator[LocalHub]:
    """It listens until the block ends."""
    hub = LocalHub(dict(files or weights_files()), **options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: a test reads ``served``."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        if self.hub.token and self.hub.token not in self.headers.get("Authorization", ""):
            self._json({"error": "Access denied"}, 401)
        elif path.startswith(f"/api/models/{REPO}"):
            self._json(self._huggingface())
        elif path == f"/api/v1/models/{REPO}/repo/files":
            self._json({"Code": 200, "Success": True, "Data": {"Files": self._modelscope()}})
        elif path == f"/api/v1/models/{REPO}/repo":
            self._file(query.get("FilePath", ""), with_body)
        elif path.startswith(f"/{REPO}/resolve/"):
            self._file(path.split("/", 5)[5], with_body)
        else:
            self._json({"error": "Repository not found", "Code": 404, "Message": "not found"}, 404)

    def _huggingface(self) -> dict[str, Any]:
        siblings = [
            {
                "rfilename": one.path,
                "size": one.size_bytes,
                "blobId": one.git_sha1,
                **({"lfs": {"sha256": one.sha256, "size": one.size_bytes, "pointerSize": 134}} if one.sha256 else {}),
            }
            for one in self.hub.remote()
        ]
        return {"id": REPO, "modelId": REPO, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}

    def _modelscope(self) -> list[dict[str, Any]]:
        return [
            {
                "Path": name,
                "Name": name,
                "Size": len(content),
                "Type": "blob",
                "Sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in self.hub.files.items()
        ]

    def _json(self, document: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(body)

    def _file(self, name: str, with_body: bool) -> None:
        content = self.hub.damaged.get(name, self.hub.files.get(name))
        if content is None:
            self._json({"error": "Entry not found"}, 404)
            return
        first = _first_byte(self.headers.get("Range"))
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"x"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.hub.served.append((name, first))
            self._body(name, content[first:])

    def _body(self, name: str, content: bytes) -> None:
        cuts = self.hub.cut.get(name)
        limit = cuts.pop(0) if cuts else len(content)
        for start in range(0, min(limit, len(content)), _CHUNK):
            try:
                self.wfile.write(content[start : min(start + _CHUNK, limit)])
            except OSError:  # the reader was killed
                return
            time.sleep(self.hub.pause_s)
        if limit < len(content):
            self.close_connection = True
            self.wfile.flush()


def _first_byte(header: str | None) -> int:
    return int(header.removeprefix("bytes=").partition("-")[0]) if header else 0
