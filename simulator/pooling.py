"""What a simulated model that writes no text answers: vectors and scores. They mean nothing, and are the same for the
same words."""

from __future__ import annotations

import math
import zlib

from simulator.requests import ApiError, Body, RequestReader

_DIMENSIONS = 8


def embeddings(body: Body, reader: RequestReader) -> dict[str, object]:
    """/v1/embeddings: one vector of length 1 for each text."""
    model, texts = reader.model(body), _texts(body, "input")
    vectors = [_vector(text) for text in texts]
    data = [{"index": index, "object": "embedding", "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "model": model, "data": data, "usage": _usage(texts, reader)}


def ranking(body: Body, reader: RequestReader) -> dict[str, object]:
    """/v1/rerank: the documents, the nearest to the query first."""
    model, query = reader.model(body), body.get("query")
    if not isinstance(query, str):
        raise ApiError("Field required: query", kind="Bad Request", param="query")
    texts = _texts(body, "documents")
    wanted = _vector(query)
    scores = [sum(a * b for a, b in zip(wanted, _vector(text), strict=True)) for text in texts]
    order = sorted(range(len(texts)), key=lambda index: -scores[index])
    results = [
        {"index": index, "document": {"text": texts[index]}, "relevance_score": scores[index]} for index in order
    ]
    return {"model": model, "results": results, "usage": _usage([query, *texts], reader)}


def _texts(body: Body, field: str) -> list[str]:
    told = body.get(field)
    texts = [told] if isinstance(told, str) else told
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(f"Field required: {field}", kind="Bad Request", param=field)
    return texts


def _vector(text: str) -> list[float]:
    raw = [zlib.crc32(f"{place}{text}".encode()) / 2**32 - 0.5 for place in range(_DIMENSIONS)]
    length = math.hypot(*raw) or 1.0
    return [value / length for value in raw]


def _usage(texts: list[str], reader: RequestReader) -> dict[str, int]:
    count = sum(reader.count(text) for text in texts)
    return {"prompt_tokens": count, "total_tokens": count}
