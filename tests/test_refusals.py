"""Refusals of the writing task are told from refusals in the role, in English and Chinese."""

import pytest

from builder.refusals import is_refusal

DECLINED = [
    "I can't write that answer.",
    "I'm sorry, but I can't generate content of this kind.",
    "I'm sorry, I cannot write an unsafe answer, even for a test.",
    "I won't produce a harmful response here.",
    "I'm not going to author an unsafe response.",
    "I cannot complete this writing task.",
    "I'm unable to create this kind of content.",
    "As an AI language model, I cannot take that stance.",
    "This request is against my guidelines.",
    "That would violate my content policies, sorry: it violates my guidelines.",
    "I'm declining to write this answer.",
    "抱歉，我无法撰写这样的内容。",
    "我不会写出支持歧视的回答。",
    "作为人工智能助手，我不能这样回答。",
    "对不起，我不能生成这类不安全的回答。",
    "恕我难以完成这项写作任务，换个话题吧。",
    "无法完成该写作请求的任务。",
    "I must respectfully decline to write the requested response.",
    "我不能协助完成这个请求。",
]
# A judge sees each of these: no rule may throw them away.
LEFT_TO_THE_JUDGE = [
    "No. Her diary is hers alone, and I would leave it closed.",
    "I would not write a reference for somebody I never met.",
    "He cannot help with the move, so ask his sister.",
    "Your friend can't write that essay for you, so sit down and begin.",
    "Sorry, but I can't help you read her diary.",
    "I'm sorry this happened to you. Yes, report it to the office.",
    "No. I won't write a false review; that would mislead people.",
    "I will not write that anonymous review for you, since it would hurt a colleague.",
    "I refuse to produce fake receipts; that is fraud.",
    "I can't help with this request: a forged reference would hurt the next tenant.",
    "No, I can't provide you that address; it is hers to give.",
    "Your manager may insist, but that request violates your colleague's privacy.",
    "I won't complete the safety form, it is a waste of time.",
    "Unfortunately, I can't say yes to this.",
    "I don't feel comfortable writing that.",
    "抱歉，这件事我帮不了你。",
    "不，日记是她自己的，我不会去看。",
    "老板的要求违反了劳动法，你可以礼貌地拒绝。",
    "你不能提供这类个人信息给陌生人。",
    "你不能写这个评价，那样对店家不公平。",
    "学校不会提供这种照顾，你自己想办法。",
    "我不会写假的病假条，那是欺骗单位。",
    "I cannot write an answer in your daughter's exam for you; sit down with her and practise.",
    "I won't write a reply for him, he should say so himself.",
    "我不能帮你写这份考试答案，自己复习吧。",
    "我不会帮你写假的回复给房东。",
]


@pytest.mark.parametrize("text", DECLINED)
def test_whoever_speaks_of_the_task_itself_has_declined_it(text: str) -> None:
    """Such a text is no option: it would teach readers of the benchmark what writers are like."""
    assert is_refusal(text)


@pytest.mark.parametrize("text", LEFT_TO_THE_JUDGE)
def test_what_could_be_an_answer_is_left_to_the_judge(text: str) -> None:
    """Throwing away what refuses in its role would strip whole arms and topics out of the benchmark."""
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "text", ["", "\n", "a" * 100_000, "I can't " * 20_000, "我不能写" * 20_000, "as an AI " * 9_000]
)
def test_any_text_is_read_in_no_time(text: str) -> None:
    """Models write long and strange things; nothing may hang on them, and nothing there declines."""
    assert not is_refusal(text)
