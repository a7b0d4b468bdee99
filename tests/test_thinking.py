"""Thoughts of reasoning models: they go, the answer stays, whatever servers do to the tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.bundle.engine.thinking import strip_thinking

TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<THINK>", "</THINK>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
HARMONY = "<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final<|message|>{said}<|return|>"
PROSE = st.text(alphabet="ab AB.\n你[]", max_size=30)


@pytest.mark.parametrize(("opening", "closing"), TAGS)
@pytest.mark.parametrize(
    "reply",
    [
        "{o}Is it A?{c}Option: [[B]]",
        "\n {o}\nIs it A?\n{c}\n\nOption: [[B]]\n",
        "Is it A?{c}\nOption: [[B]]",
        "{o}\n{o}\nIs it A?{c}Option: [[B]]",
        "{o}Is it A? {o}No.{c} Hm.{c}Option: [[B]]",
        "{o}{c}Option: [[B]]",
        "{o}Is it A?{c}Option: [[B]]{c}",
        "Is it A?{c}Option: [[B]]{c}",
        "{o}Is it A?{c}Option: [[B]]\n{o}Was that right?",
        "Option: [[B]]\n{o}Is it A?{c}",
    ],
)
def test_a_thought_goes_and_the_answer_stays(reply: str, opening: str, closing: str) -> None:
    """However a server cuts the tags, what is left is the answer: a thought names both letters."""
    assert strip_thinking(reply.format(o=opening, c=closing)) == "Option: [[B]]"


@pytest.mark.parametrize(("opening", "closing"), TAGS)
@pytest.mark.parametrize(
    "reply", ["{o}A is kind", "A is kind{c}", "{o}A is kind{c}", "{o}", "{c}", "{o}A{c}\n"]
)
def test_a_reply_that_was_only_a_thought_is_empty(reply: str, opening: str, closing: str) -> None:
    """A model whose budget ran out while it thought has answered nothing; its thought is no answer."""
    assert strip_thinking(reply.format(o=opening, c=closing)) == ""


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HARMONY.format(thought="Is it A?", said="[[B]]"), "[[B]]"),
        ("<|channel|>analysis<|message|>Is it A?", ""),
        ("<|channel|>analysis<|message|>Is it A?<|end|>", ""),
        ("<|channel|>commentary<|message|>Let me see.<|end|>", "Let me see."),
        ("<|channel|>final<|message|>[[B]]", "[[B]]"),
        ("analysisIs it A? No.assistantfinal[[B]]", "[[B]]"),
    ],
)
def test_only_the_final_channel_is_the_answer(reply: str, said: str) -> None:
    """Some servers hand over a model's channels raw, or run together; its analysis is a thought."""
    assert strip_thinking(reply) == said


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Option: [[A]]",
        " Option: [[A]]\n",
        "A tag <think> opens a thought. Option: [[A]]",
        "I close with `</think>`, always. Option: [[A]]",
        "I think, therefore A.",
        "Analysis: A asks first.",
        "An assistantfinal word.",
        "1 < 2 and 3 > 2",
    ],
)
def test_a_reply_without_thoughts_is_left_as_it_is(reply: str) -> None:
    """A mention of a tag is no thought: cutting there would lose the answer, or hide harm from the judge."""
    assert strip_thinking(reply) == reply


@given(PROSE, PROSE, st.sampled_from(TAGS))
def test_any_thought_before_any_answer_goes(thought: str, said: str, tags: tuple[str, str]) -> None:
    """Nothing of a closed thought is left, and nothing of the answer is lost, whatever they hold."""
    assert strip_thinking(f"{tags[0]}{thought}{tags[1]}{said}") == said.strip()


@given(st.text(max_size=60))
def test_stripping_twice_changes_nothing(reply: str) -> None:
    """Parser and judge may both strip; the second must find nothing to do."""
    once = strip_thinking(reply)
    assert strip_thinking(once) == once
