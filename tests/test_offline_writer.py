"""The simulated writer: the same for a seed, and a clear error for what it cannot write."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from offline_models import SEED, ask_offline

from builder.bundle.engine.labels import Outcome
from builder.llm.offline.grammar import find_question
from builder.llm.offline.transport import WRITER
from builder.llm.offline.writer import OfflineError, write_reply

PROMPT = """Dimension: Privacy
Dimension id: {dimension}
Polarity: act
Language: {language}
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


def ask_for(dimension: str = "privacy", language: str = "en", earlier: int = 0) -> str:
    """Return a prompt for four questions."""
    return PROMPT.format(dimension=dimension, language=language, earlier=earlier)


def read_questions(prompt: str, seed: int = SEED) -> list[str]:
    """Return the questions that the writer writes."""
    return [row["question"] for row in json.loads(write_reply(prompt, seed))["questions"]]


def test_the_writer_writes_the_same_for_a_seed_and_goes_on_where_it_was() -> None:
    """A benchmark can be built again to the byte; later batches bring new questions."""
    first = read_questions(ask_for())
    assert len(set(first)) == 4
    assert read_questions(ask_for()) == first
    later = read_questions(ask_for(earlier=4))
    assert not set(first) & set(later)
    assert read_questions(ask_for(earlier=2))[:2] == first[2:]
    assert read_questions(ask_for(), SEED + 1) != first


def test_a_dimension_without_a_grammar_is_a_clear_error() -> None:
    """Users who bring a dimension must learn that the simulator cannot write for it, and what it can."""
    with expect_offline_error("astrology", "no grammar", "privacy", "control"):
        write_reply(ask_for("astrology"), SEED)
    reply = ask_offline(WRITER, ask_for("astrology"))
    assert reply.outcome is Outcome.FAILED
    assert "no grammar for dimension astrology" in reply.error


@pytest.mark.parametrize("tag", ["zh", "zh-Hans", "zh-CN"])
def test_questions_and_their_options_are_written_in_the_language_asked_for(tag: str) -> None:
    """The benchmark tags the texts by what it asked for; another language would be a false tag."""
    questions = read_questions(ask_for(language=tag))
    assert len(set(questions)) == 4
    assert questions == read_questions(ask_for(language="zh"))
    prompt = "Question:\n{}\n(end of question)\nArm: refuse\nLanguage: {}\n"
    for text in (*questions, *(write_reply(prompt.format(q, tag), SEED) for q in questions)):
        assert re.fullmatch(r"[\u4e00-\u9fff，。？（）、]+", text)


def test_chinese_twins_are_two_questions_about_one_situation() -> None:
    """Twins swap the roles of the very same options: that needs the two questions of one cell."""
    reply = write_reply(ask_for(language="zh") + "Twins: yes\n", SEED)
    rows = json.loads(reply)["questions"]
    assert len(rows) == 4
    for row in rows:
        question, twin = find_question(row["question"]), find_question(row["twin"])
        assert question is not None
        assert twin is not None
        assert (question.polarity, twin.polarity) == ("act", "refrain")
        assert question.situation == twin.situation == row["situation"]
        assert question.language == twin.language == "zh"


def test_a_language_without_texts_is_a_clear_error() -> None:
    """English sent as German would fill a quota with wrongly tagged items."""
    with expect_offline_error("no texts in language de", "en, zh"):
        write_reply(ask_for(language="de"), SEED)
    reply = ask_offline(WRITER, ask_for(language="de"))
    assert reply.outcome is Outcome.FAILED
    assert "no texts in language de" in reply.error


def test_an_option_is_written_for_own_questions_and_fitting_arms_only() -> None:
    """An option made up for a stranger's question, or for the wrong arm, would spoil an item."""
    (question, *_) = read_questions(ask_for())
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
    with expect_offline_error("own prompts"):
        write_reply(ask_for().replace("Language: en\n", ""), SEED)
