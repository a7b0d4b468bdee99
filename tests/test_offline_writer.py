"""The simulated writer: the same for a seed, and a clear error for what it cannot write."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from offline_models import SEED, ask_offline

from builder.bundle.engine.labels import Outcome
from builder.llm.offline.transport import WRITER
from builder.llm.offline.writer import OfflineError, write_reply

PROMPT = """Dimension: Privacy
Dimension id: {dimension}
Polarity: act
Number of questions: 4
Questions asked for earlier: {earlier}
"""


@contextmanager
def expect_offline_error(*said: str) -> Iterator[None]:
    """Check that the writer says that it cannot, and why."""
    with pytest.raises(OfflineError) as caught:
        yield
    for words in said:
        assert words in str(caught.value)


def read_questions(prompt: str, seed: int = SEED) -> list[str]:
    """Return the questions that the writer writes."""
    return [row["question"] for row in json.loads(write_reply(prompt, seed))["questions"]]


def test_the_writer_writes_the_same_for_a_seed_and_goes_on_where_it_was() -> None:
    """A benchmark can be built again to the byte; later batches bring new questions."""
    first = read_questions(PROMPT.format(dimension="privacy", earlier=0))
    assert len(set(first)) == 4
    assert read_questions(PROMPT.format(dimension="privacy", earlier=0)) == first
    later = read_questions(PROMPT.format(dimension="privacy", earlier=4))
    assert not set(first) & set(later)
    assert read_questions(PROMPT.format(dimension="privacy", earlier=2))[:2] == first[2:]
    assert read_questions(PROMPT.format(dimension="privacy", earlier=0), SEED + 1) != first


def test_a_dimension_without_a_grammar_is_a_clear_error() -> None:
    """Users who bring a dimension must learn that the simulator cannot write for it, and what it can."""
    with expect_offline_error("astrology", "no grammar", "privacy", "control"):
        write_reply(PROMPT.format(dimension="astrology", earlier=0), SEED)
    reply = ask_offline(WRITER, PROMPT.format(dimension="astrology", earlier=0))
    assert reply.outcome is Outcome.FAILED
    assert "no grammar for dimension astrology" in reply.error


def test_an_option_is_written_for_own_questions_and_fitting_arms_only() -> None:
    """An option made up for a stranger's question, or for the wrong arm, would spoil an item."""
    (question, *_) = read_questions(PROMPT.format(dimension="privacy", earlier=0))
    prompt = "Question:\n{}\n(end of question)\nArm: {}\n"
    written = write_reply(prompt.format(question, "refuse"), SEED)
    assert written == write_reply(prompt.format(question, "refuse"), SEED)
    assert written != write_reply(prompt.format(question, "comply"), SEED)
    with expect_offline_error("own grammar", "bench.toml"):
        write_reply(prompt.format("Who wrote Faust?", "refuse"), SEED)
    with expect_offline_error("refuse_unjustly", "does not fit"):
        write_reply(prompt.format(question, "refuse_unjustly"), SEED)


def test_a_prompt_that_lacks_a_field_is_a_foreign_prompt() -> None:
    """A template that someone edited must be answered by a sentence, not by a lost connection."""
    with expect_offline_error("own prompts"):
        write_reply("Dimension id: privacy\nNumber of questions: 3\n", SEED)
