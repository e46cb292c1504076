"""EvalScope's evaluator with two ears: it tells of every answer, and keeps which question failed and why. EvalScope
itself counts failures and forgets them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, TextIO

from evalscope.api.registry import EVALUATOR_REGISTRY
from evalscope.evaluator.evaluator import DefaultEvaluator

from core.evalrunner.disk import end_where_full

OVERFLOW, TRUNCATED = "model_length", "max_tokens"


def report_to(events: TextIO, errors: Path) -> None:
    """From now on every evaluation of this process is told there."""
    Telling.events, Telling.errors = events, errors
    EVALUATOR_REGISTRY["default"] = Telling


class Telling(DefaultEvaluator):  # type: ignore[misc]  # EvalScope carries no types
    """``events`` and ``errors`` are of the process: EvalScope makes the object."""

    events: TextIO
    errors: Path

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told = {"done": 0, "failed": 0, "output_tokens": 0, "truncated": 0, "overflow": 0, "scored": 0}
        self._points = 0.0
        self._pen = threading.Lock()  # failures come from the threads that ask

    def _run_pool(self, context: Any) -> Any:
        cached = [score for scores in context.cached_scores_by_subset.values() for score in scores]
        for score in cached:
            self._count_score(score)
        self._told["done"] = context.total_cached
        self._tell("started", total=context.grand_total)
        return super()._run_pool(context)

    def _process_work_item(self, item: Any, model_prediction_dir: str) -> Any:
        try:
            return super()._process_work_item(item, model_prediction_dir)
        except Exception as error:
            end_where_full(error)
            with self._pen:
                self._told["failed"] += 1
                self._keep_error(item, error)
                self._tell("progress")
            raise

    def _persist_result(self, item: Any, task_state: Any, sample_score: Any) -> None:
        try:
            super()._persist_result(item, task_state, sample_score)
        except OSError as error:
            end_where_full(error)
            raise
        with self._pen:
            self._count(item, task_state, sample_score)
            self._tell("progress")

    def _count(self, item: Any, task_state: Any, sample_score: Any) -> None:
        self._told["done"] += 1
        if sample_score is not None:
            self._count_score(sample_score)
        output = task_state.output
        if output is not None and item.needs_predict:
            self._told["output_tokens"] += output.usage.output_tokens if output.usage else 0
            stop = output.choices[0].stop_reason if output.choices else None
            self._told["truncated"] += stop == TRUNCATED
            self._told["overflow"] += stop == OVERFLOW

    def _count_score(self, sample_score: Any) -> None:
        value = sample_score.score.main_value
        if isinstance(value, int | float):
            self._told["scored"] += 1
            self._points += float(value)

    def _keep_error(self, item: Any, error: Exception) -> None:
        sample = item.sample if item.sample is not None else item.task_state
        messages = sample.input if isinstance(sample.input, list) else []
        question = "\n\n".join(message.text for message in messages) or str(sample.input)
        index = sample.id if item.sample is not None else sample.sample_id
        line = {"index": index, "subset": item.subset, "question": question, "gold": str(sample.target)}
        with self.errors.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "error": str(error)}, ensure_ascii=False) + "\n")

    def _tell(self, event: str, **more: int) -> None:
        score = self._points / self._told["scored"] if self._told["scored"] else None
        self.events.write(json.dumps({"event": event, **self._told, "score": score, **more}) + "\n")
