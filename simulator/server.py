"""The simulated vLLM's routes, and the rules about who may call them."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST

from simulator.answers import Answer
from simulator.engine import Engine
from simulator.faults import Faults
from simulator.http import BadRequest, Connection, Request, read_request
from simulator.metrics import Metrics
from simulator.pooling import embeddings, ranking
from simulator.requests import ApiError, Body, Generation, RequestReader, read_body
from simulator.settings import VERSION, FaultKind, SimulatorSettings, Task
from simulator.tokens import Tokenizer

_Handler = Callable[[Request, Connection], Awaitable[None]]
_READ_LIMIT_BYTES = 1024 * 1024
_BACKLOG = 2048


class Server:
    """One simulated vLLM."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._tokenizer = Tokenizer(settings.vocabulary_size)
        self._reader = RequestReader(settings, self._tokenizer)
        self._metrics = Metrics(settings.model)
        self._engine = Engine(settings, self._metrics)
        self._faults = Faults(settings)
        self._started = int(time.time())
        self._routes: dict[str, dict[str, _Handler]] = {
            "/health": {"GET": self._alive},
            "/ping": {"GET": self._alive, "POST": self._alive},
            "/version": {"GET": self._version},
            "/load": {"GET": self._load},
            "/metrics": {"GET": self._show_metrics},
            "/tokenize": {"POST": self._tokenize},
            "/detokenize": {"POST": self._detokenize},
            "/v1/models": {"GET": self._models},
            **self._work_routes(settings.task),
        }

    def _work_routes(self, task: Task) -> dict[str, dict[str, _Handler]]:
        """As in vLLM 0.32, a model has the routes of what it does; an embedding model ranks too."""
        if task is Task.GENERATE:
            return {
                "/v1/completions": {"POST": partial(self._generate, self._reader.completion)},
                "/v1/chat/completions": {"POST": partial(self._generate, self._reader.chat)},
            }
        paths = ("/rerank", "/v1/rerank", "/v2/rerank")
        routes: dict[str, dict[str, _Handler]] = {path: {"POST": partial(self._pool, ranking)} for path in paths}
        if task is Task.EMBED:
            routes["/v1/embeddings"] = {"POST": partial(self._pool, embeddings)}
        return routes

    async def serve(self, on_listening: Callable[[int], None]) -> None:
        """Listens until cancelled; tells the port once it does."""
        address = self._settings.host, self._settings.port
        listener = await asyncio.start_server(self._converse, *address, limit=_READ_LIMIT_BYTES, backlog=_BACKLOG)
        on_listening(listener.sockets[0].getsockname()[1])
        await asyncio.gather(listener.serve_forever(), self._engine.run())

    # ------------------------------------------------------------ connections

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            while request := await read_request(reader, writer):
                await self._answer(request, connection)
                if not request.keeps_alive or connection.is_gone:
                    break
        except (BadRequest, ValueError, asyncio.IncompleteReadError):
            connection.answer(400, b"Invalid HTTP request received.", "text/plain; charset=utf-8")
        except ConnectionError:
            return  # the client hung up
        finally:
            writer.close()

    async def _answer(self, request: Request, connection: Connection) -> None:
        if await self._faults.before_request(connection):
            return
        if not self._may_call(request):
            connection.answer_json(401, {"error": "Unauthorized"})
            return
        methods = self._routes.get(request.path)
        if methods is None or request.method not in methods:
            missing = (404, {"detail": "Not Found"}) if methods is None else (405, {"detail": "Method Not Allowed"})
            connection.answer_json(*missing)
            return
        try:
            await methods[request.method](request, connection)
        except ApiError as error:
            connection.answer_json(error.status, error.body)

    def _may_call(self, request: Request) -> bool:
        """As in vLLM, the key guards /v1 and nothing else."""
        if self._settings.api_key is None or not request.path.startswith("/v1"):
            return True
        told = request.headers.get("authorization", "")
        return hmac.compare_digest(told.encode(), f"Bearer {self._settings.api_key}".encode())

    # ------------------------------------------------------------ the API

    async def _models(self, request: Request, connection: Connection) -> None:
        model = {
            "id": self._settings.model,
            "object": "model",
            "created": self._started,
            "owned_by": "simulated",
            "root": f"simulated/{self._settings.model}",
            "parent": None,
            "max_model_len": self._settings.max_model_len,
        }
        models = [] if self._settings.fault(FaultKind.NO_MODELS) else [model]
        connection.answer_json(200, {"object": "list", "data": models})

    async def _generate(
        self, read: Callable[[dict[str, object]], Generation], request: Request, connection: Connection
    ) -> None:
        generation = read(dict(read_body(request.headers.get("content-type", ""), request.body)))
        await self._faults.before_completion(connection)
        answer = Answer(generation, connection, self._settings, self._tokenizer)
        sequences = answer.sequences()
        if generation.stream and self._faults.cuts_stream():
            answer.cut_at_half()
        for sequence in sequences:
            self._engine.submit(sequence)
        await answer.over

    async def _pool(
        self, answer: Callable[[Body, RequestReader], dict[str, object]], request: Request, connection: Connection
    ) -> None:
        body = read_body(request.headers.get("content-type", ""), request.body)
        await self._faults.before_completion(connection)
        connection.answer_json(200, answer(body, self._reader))

    async def _tokenize(self, request: Request, connection: Connection) -> None:
        body = read_body(request.headers.get("content-type", ""), request.body)
        tokens = self._reader.tokenized(body)
        counts = {"count": len(tokens), "max_model_len": self._settings.max_model_len}
        connection.answer_json(200, {**counts, "tokens": tokens, "token_strs": None})

    async def _detokenize(self, request: Request, connection: Connection) -> None:
        tokens = read_body(request.headers.get("content-type", ""), request.body).get("tokens")
        if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
            raise ApiError("Field required: tokens", kind="Bad Request", param="tokens")
        connection.answer_json(200, {"prompt": self._tokenizer.decode(tokens).strip()})

    # ------------------------------------------------------------ beside the API

    async def _alive(self, request: Request, connection: Connection) -> None:
        connection.answer(200, b"", "text/plain")

    async def _version(self, request: Request, connection: Connection) -> None:
        connection.answer_json(200, {"version": VERSION, "simulated": True})

    async def _load(self, request: Request, connection: Connection) -> None:
        connection.answer_json(200, {"server_load": self._engine.load})

    async def _show_metrics(self, request: Request, connection: Connection) -> None:
        connection.answer(200, self._metrics.render(), CONTENT_TYPE_LATEST)
