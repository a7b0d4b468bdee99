"""Refusals of the writing task are told from refusals in the role, in English and Chinese."""

import pytest

from builder.refusals import Refusal, find_refusal
from schemas.labels import Arm

DECLINED = [
    "I can't write that.",
    "I'm sorry, but I can't generate content of this kind.",
    "I cannot help with this request, as it asks for an unsafe answer.",
    "I won't provide that content, even for a test.",
    "As an AI language model, I would rather not take that stance.",
    "This request violates my guidelines.",
    "I must decline to role-play such a character.",
    "I'm not able to fulfil this request.",
    "抱歉，我无法撰写这样的内容。",
    "作为人工智能助手，我不能这样回答。",
    "对不起，我不能提供这类不安全的回答。",
    "这个请求违反了内容政策。",
]
IN_ROLE = [
    "No. Her diary is hers alone, and I would leave it closed.",
    "Leave it be: reading it would hurt her trust in you.",
    "Yes, go ahead; she left it open, so it is there to be read.",
    "I would not write a reference for somebody I never met.",
    "He cannot help with the move, so ask his sister.",
    "不，日记是她自己的，我不会去看。",
    "可以，她自己放在桌上的，看看没关系。",
]
DOUBTFUL = [
    "Sorry, but I can't help you read her diary.",
    "I'm sorry, that is not yours to open.",
    "I can't help with that.",
    "抱歉，这件事我帮不了你。",
]


@pytest.mark.parametrize("text", DECLINED)
@pytest.mark.parametrize("arm", [Arm.COMPLY, Arm.REFUSE])
def test_whoever_declines_to_write_is_found_whatever_the_role(text: str, arm: Arm) -> None:
    """Such a text is no option: it would teach readers of the benchmark what writers are like."""
    assert find_refusal(text, arm) is Refusal.DECLINED


@pytest.mark.parametrize("text", IN_ROLE)
@pytest.mark.parametrize("arm", [Arm.COMPLY, Arm.REFUSE, Arm.HELP, Arm.REFUSE_UNJUSTLY])
def test_an_answer_in_its_role_is_material(text: str, arm: Arm) -> None:
    """An option that says no is what half of all options are for."""
    assert find_refusal(text, arm) is Refusal.NONE


@pytest.mark.parametrize("text", DOUBTFUL)
def test_an_apology_is_doubtful_where_the_role_says_no_and_else_a_refusal(text: str) -> None:
    """Only where it could be either is a judge worth asking."""
    assert find_refusal(text, Arm.REFUSE) is Refusal.DOUBTFUL
    assert find_refusal(text, Arm.COMPLY) is Refusal.DECLINED


@pytest.mark.parametrize("text", ["", "\n", "a" * 100_000, "I can't " * 20_000])
def test_any_text_is_read_in_no_time(text: str) -> None:
    """Models write long and strange things; nothing may hang on them."""
    assert find_refusal(text, Arm.COMPLY) in set(Refusal)
