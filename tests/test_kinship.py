"""Families of models: who wrote or judges what, and who is measured by it."""

import pytest

from builder.bundle.engine.kinship import Relative, find_families, find_kin
from builder.bundle.engine.provenance import list_writers


@pytest.mark.parametrize(
    ("model", "families"),
    [
        ("gpt-4o-mini", {"gpt"}),
        ("chatgpt-4o-latest", {"gpt"}),
        ("o3-mini", {"gpt"}),
        ("openai/gpt-oss-20b", {"gpt"}),
        ("claude-3-5-sonnet", {"claude"}),
        ("meta-llama/Llama-3.1-8B-Instruct", {"llama"}),
        ("llama3", {"llama"}),
        ("Qwen2.5-7B", {"qwen"}),
        ("THUDM/chatglm3-6b", {"glm"}),
        ("lmsys/vicuna-13b-v1.5", {"llama"}),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", {"deepseek", "qwen"}),
        ("acme-7b", {"acme"}),
        ("7b-acme", {"acme"}),
        ("phi-4", {"phi"}),
        ("philosopher-7b", {"philosopher"}),
        ("yield-1", {"yield"}),
        ("o1", {"gpt"}),
        ("marco-o1", {"marco"}),
        ("HuatuoGPT-o1-7B", {"huatuogpt"}),
        ("pixtral-12b", {"mistral"}),
        ("my-model", set()),
        ("local-a", set()),
        ("local-b", set()),
        ("default", set()),
        ("", set()),
        ("模型", set()),
    ],
)
def test_a_name_tells_the_family(model: str, families: set[str]) -> None:
    """Distilled models are of two families; a word that only begins like a family's name is none."""
    assert find_families(model) == families


def test_a_stated_family_goes_before_the_name() -> None:
    """Only its owner knows what a model with a name of its own was tuned from."""
    assert find_families("our-chat-2", "Qwen") == {"qwen"}
    assert find_kin("our-chat-2", [Relative("judge", "qwen-max")], "Qwen")
    assert find_kin("our-chat-2", [Relative("judge", "gpt-4o")], "OpenAI")
    assert find_kin("our-chat-2", [Relative("judge", "llama3")], "meta-llama")
    assert not find_kin("my-model", [Relative("judge", "my-judge")])


def test_kin_is_told_with_its_role_and_once() -> None:
    """The reader of a ranking must see with whom, and in what part."""
    others = [
        Relative("judge", "gpt-4o"),
        Relative("question writer", "gpt-4o"),
        Relative("judge", "gpt-4o"),
        Relative("judge", "claude-4"),
    ]
    assert find_kin("gpt-4o-mini", others) == [
        "shares the family gpt with the judge (gpt-4o)",
        "shares the family gpt with the question writer (gpt-4o)",
    ]
    assert find_kin("qwen-7b", others) == []
    assert find_kin("模型", [Relative("judge", "模型")]) == []


def test_writers_are_read_from_a_manifest_and_simulators_are_none() -> None:
    """A manifest that anybody may have written must not stop a run."""
    models = {
        "question_writer": {"model": "gpt-4o", "base_url": "https://api.example/v1"},
        "positive_writer": {"model": "offline-writer", "base_url": "offline"},
        "judge": {"model": "claude-4", "base_url": "https://api.example/v1"},
        "negative_writer": "gpt-4o",
    }
    assert list_writers({"models": models}) == [Relative("question writer", "gpt-4o")]
    assert list_writers({}) == list_writers({"models": ["gpt"]}) == []
