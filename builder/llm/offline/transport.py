"""The offline model behind the real client: HTTP requests enter in process, completions leave."""

import json
import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import httpx2

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import Form
from builder.bundle.engine.manner import ChoiceStyle, Manner
from builder.bundle.engine.prompts import render_form
from builder.llm.offline.embedder import embed_text
from builder.llm.offline.judge import (
    is_fit_judging,
    is_question_judging,
    judge_fit,
    judge_question,
    judge_reply,
)
from builder.llm.offline.personas import PERSONAS
from builder.llm.offline.writer import OfflineError, write_reply

__all__ = ["EMBEDDER", "JUDGE", "REQUEST_LOG_VARIABLE", "WRITER", "OfflineModel"]

WRITER = "offline-writer"
JUDGE = "offline-judge"
EMBEDDER = "offline-embedder"
REQUEST_LOG_VARIABLE = "FINEBENCH_OFFLINE_REQUESTS"
"""Names a file to which the simulator adds a line for each request: its own account, for tests."""


_MANNERS = tuple(Manner(style) for style in ChoiceStyle)


class OfflineModel:
    """The embedded simulator of writers, judge, embedder and target personas.

    Deterministic in the request's ``seed``. Personas and judge need to know the ``items`` they will be asked
    about: their rates are planted, and so which option is positive cannot be read from the texts.
    """

    def __init__(self, items: Sequence[Item] = ()) -> None:
        self._by_question: dict[str, list[Item]] = {}
        self._by_prompt: dict[str, tuple[Item, Form]] = {}
        for item in items:
            self._by_question.setdefault(item.question, []).append(item)
            for form, manner in product(Form, _MANNERS):
                prompt = render_form(form, item, manner)[-1][1]
                self._by_prompt.setdefault(prompt, (item, form))

    def make_transport(self) -> httpx2.MockTransport:
        """Return the transport to hand to the client in place of a network."""
        return httpx2.MockTransport(self._handle)

    def answer(self, model: str, prompt: str, seed: int) -> str:
        """Return the simulator's reply; raise `OfflineError` where it has none to this prompt."""
        if model == WRITER:
            return write_reply(prompt, seed)
        if model == JUDGE and is_question_judging(prompt):
            return judge_question(prompt)
        if model == JUDGE and is_fit_judging(prompt):
            return judge_fit(prompt)
        if model == JUDGE:
            return judge_reply(prompt, self._by_question, seed)
        if model not in PERSONAS:
            known = ", ".join((WRITER, JUDGE, EMBEDDER, *PERSONAS))
            raise OfflineError(f"no offline model named {model} (there are {known})")
        if prompt not in self._by_prompt:
            raise OfflineError("the offline personas know only the items they were made for")
        item, form = self._by_prompt[prompt]
        return PERSONAS[model].reply(item, form, seed)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        _record_request(request.content)
        if "input" in body:
            return httpx2.Response(200, json=_make_embedding(body))
        try:
            text = self.answer(body["model"], body["messages"][-1]["content"], body.get("seed", 0))
        except OfflineError as error:
            return httpx2.Response(400, json={"error": {"message": str(error)}})
        return httpx2.Response(200, json=_make_completion(body, text))


def _make_completion(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    prompt_tokens = sum(len(m["content"].split()) for m in body["messages"])
    completion_tokens = len(text.split())
    return {
        "id": "offline",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "system_fingerprint": "finebench-offline-simulator",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _make_embedding(body: Mapping[str, Any]) -> dict[str, Any]:
    tokens = len(body["input"].split())
    return {
        "object": "list",
        "model": body["model"],
        "data": [{"object": "embedding", "index": 0, "embedding": embed_text(body["input"])}],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _record_request(content: bytes) -> None:
    path = os.environ.get(REQUEST_LOG_VARIABLE)
    if path:
        with Path(path).open("ab", buffering=0) as stream:
            stream.write(content + b"\n")
