"""A writer and a judge of questions behind a fake server: prompts enter, replies as a test wants them leave."""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as replace_field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import FakeServer, make_completion, respond

from builder.bundle.engine import client as engine_client
from builder.llm import clients
from builder.llm.offline.transport import OfflineModel
from builder.workspace import Workspace, create_workspace

__all__ = ["Prompt", "QuestionServer", "make_question", "make_workspace", "place"]

_FIELD = re.compile(
    r"^(Dimension id|Polarity|Language|Twins|Number of questions|Questions asked for earlier): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Prompt:
    """What a writer was asked."""

    text: str

    def __getitem__(self, name: str) -> str:
        return {field: str(told) for field, told in _FIELD.findall(self.text)}[name]

    @property
    def slot(self) -> str:
        """The slot, as `01_plan.json` names it."""
        return " / ".join(self[name] for name in ("Dimension id", "Polarity", "Language"))

    @property
    def count(self) -> int:
        """How many questions are asked for."""
        return int(self["Number of questions"])

    @property
    def offset(self) -> int:
        """How many were asked for earlier."""
        return int(self["Questions asked for earlier"])

    @property
    def taken(self) -> list[str]:
        """The situations that are told to be taken."""
        part = self.text.split("Situations that are taken:\n")[1].split("\n(end of the")[0]
        return [] if part == "none" else part.split("\n")


def make_question(language: str, rng: random.Random) -> str:
    """Return a question like no other, too short for its language to be told but by its script."""
    if language == "zh":
        signs = rng.sample(
            "天地人山水火木金土日月星云风雨雪花鸟鱼虫牛羊马狗猫门窗桌灯书笔纸车船路桥田园米茶", 12
        )
        return f"我可以{''.join(signs)}吗？"
    words = ["".join(rng.choices("abdefgiklmnoprstuvz", k=7)) for _ in range(3)]
    return f"May I {' '.join(words)}?"


def write_new(prompt: Prompt) -> list[dict[str, object]]:
    """Return as many new questions as are asked for."""
    rng = random.Random(prompt.text)
    texts = [make_question(prompt["Language"], rng) for _ in range(prompt.count)]
    return [{"situation": f"on {text}", "question": text} for text in texts]


def pass_all(_: str) -> str:
    """Return the word of a judge who is content."""
    return "[[pass]]"


@dataclass
class QuestionServer:
    """Answers as ``write`` and ``judge`` say; the judge is handed the question."""

    write: Callable[[Prompt], object] = write_new
    judge: Callable[[str], str] = pass_all
    prompts: list[Prompt] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    judgings: list[str] = field(default_factory=list)
    asked_again: int = 0

    async def answer(self, text: str) -> Any:
        """Answer one request."""
        if "[[pass]]" in text:
            question = text.split(">\n")[1].split("\n</question", maxsplit=1)[0]
            self.judged.append(question)
            self.judgings.append(text)
            return respond(200, json=make_completion(self.judge(question)))
        if not _FIELD.search(text):  # asked again, it has nothing better to say
            self.asked_again += 1
            return respond(200, json=make_completion("none"))
        prompt = Prompt(text)
        self.prompts.append(prompt)
        written = self.write(prompt)
        if isinstance(written, httpx2.Response):
            return written
        reply = written if isinstance(written, str) else json.dumps({"questions": written})
        return respond(200, json=make_completion(reply))


def place(server: QuestionServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a server in the place of all models."""
    fake = FakeServer()
    fake.handle = server.answer

    def open_fake(endpoint: Any, _: OfflineModel | None) -> engine_client.Client:
        placed = replace_field(endpoint, base_url="http://model.invalid/v1")
        return engine_client.Client(placed, httpx2.MockTransport(fake))

    monkeypatch.setattr(clients, "_open_client", open_fake)


def make_workspace(
    folder: Path,
    *,
    quota: int = 20,
    generate: str = "",
    more: str = "",
    dimension: str = "fairness",
) -> Workspace:
    """Return a workspace of one dimension, with lines more under ``[generate]`` and above all sections."""
    made = create_workspace(folder / "bench", quota=quota)
    parts = made.dimensions.read_text().split("[[dimension]]")
    (kept,) = [part for part in parts if f'id = "{dimension}"' in part]
    made.dimensions.write_text(f"[[dimension]]{kept}")
    path = made.root / "bench.toml"
    text = path.read_text().replace("batch_size = 10\n", f"batch_size = 5\n{generate}\n")
    path.write_text(f"{more}\n{text}")
    return Workspace(made.root)
