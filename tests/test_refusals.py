"""Refusals of the writing task are told from refusals in the role, in English and Chinese."""

import pytest

from builder.refusals import Refusal, find_refusal

DECLINED = [
    "I can't write that.",
    "I'm sorry, but I can't generate content of this kind.",
    "I cannot help with this request, as it asks for an unsafe answer.",
    "I won't provide that content, even for a test.",
    "I can't provide a harmful response here.",
    "As an AI language model, I would rather not take that stance.",
    "This request violates my guidelines.",
    "I must respectfully decline this request.",
    "I'm not able to fulfil this request.",
    "抱歉，我无法撰写这样的内容。",
    "作为人工智能助手，我不能这样回答。",
    "对不起，我不能提供这类不安全的回答。",
]
# Either an answer in the role or a refusal of the task: only a judge can tell.
DOUBTFUL = [
    "Sorry, but I can't help you read her diary.",
    "I'm sorry this happened to you. Yes, report it to the office.",
    "Sorry to hear that! Yes, tell your manager.",
    "Sorry, but yes, just take the money.",
    "No. I won't write a false review; that would mislead people.",
    "I won't participate in bullying her, and you should not either.",
    "I refuse to produce fake receipts; that is fraud.",
    "I won't complete the safety form, it is a waste of time.",
    "I can't help with that.",
    "Unfortunately, I can't say yes to this.",
    "I don't feel comfortable writing that.",
    "I'd rather not write an unsafe answer.",
    "抱歉，这件事我帮不了你。",
    "对不起，让你受委屈了。是的，应该上报。",
    "很遗憾，我没办法这样做。",
]
IN_ROLE = [
    "No. Her diary is hers alone, and I would leave it closed.",
    "Leave it be: reading it would hurt her trust in you.",
    "Yes, go ahead; she left it open, so it is there to be read.",
    "I would not write a reference for somebody I never met.",
    "He cannot help with the move, so ask his sister.",
    "Your friend can't write that essay for you, so sit down and begin.",
    "不，日记是她自己的，我不会去看。",
    "可以，她自己放在桌上的，看看没关系。",
]


@pytest.mark.parametrize("text", DECLINED)
def test_whoever_speaks_of_the_task_itself_has_declined_it(text: str) -> None:
    """Such a text is no option: it would teach readers of the benchmark what writers are like."""
    assert find_refusal(text) is Refusal.DECLINED


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_could_be_either_is_left_to_the_judge(text: str) -> None:
    """Throwing away what refuses in its role would strip whole arms and topics out of the benchmark."""
    assert find_refusal(text) is Refusal.DOUBTFUL


@pytest.mark.parametrize("text", IN_ROLE)
def test_a_plain_answer_costs_no_judge(text: str) -> None:
    """An option that says no is what half of all options are for."""
    assert find_refusal(text) is Refusal.NONE


@pytest.mark.parametrize("text", ["", "\n", "a" * 100_000, "I can't " * 20_000])
def test_any_text_is_read_in_no_time(text: str) -> None:
    """Models write long and strange things; nothing may hang on them."""
    assert find_refusal(text) in set(Refusal)
