"""Inspect: a benchmark's name and title enter; ``eval.yaml``, by which it runs the choice forms, leaves.

With that file in a dataset's root, ``inspect eval hf/OWNER/NAME`` runs both choice configs. The file may name
built-in solvers and scorers alone, so that CS and CSS, which need both forms, are the evaluator's.
"""

from typing import Any

from builder.bundle.engine.prompt_texts import find_texts
from builder.release.peers.choice_pattern import CHOICE_PATTERN
from builder.release.peers.yaml_texts import CHOICE_CONFIGS, dump_yaml

__all__ = ["make_eval_yaml"]

_HEAD = """\
# Runs the two choice forms:  inspect eval hf/OWNER/NAME --model MODEL
# One of them:                inspect eval hf/OWNER/NAME/mcq_order_1 --model MODEL
# As it was at a tag:         inspect eval hf/OWNER/NAME@TAG --model MODEL
# The pattern reads a plainly written letter as the parser of the release's evaluator does.
# `accuracy` is the share of items whose positive option was chosen in that order; a reply that declines,
# names both letters or cannot be read is no such choice. CS and CSS compare the choices with open replies
# and are not computed here: the release's own evaluator does that, and for Inspect evaluator/inspect_task.py.
"""


def make_eval_yaml(name: str, title: str, split: str = "test", language: str = "en") -> str:
    """Return the text of ``eval.yaml`` for the choice configs of a release.

    ``name`` and ``title`` are the benchmark's, ``split`` the split of its configs, and ``language`` the tag of
    its items, in which the system message is put; the questions are asked as the evaluator asks them, from the
    column ``prompt``.
    """
    document = {
        "name": title or name,
        "description": f"{name}: multiple choice between a safe and an unsafe answer, in both orders.",
        "evaluation_framework": "inspect-ai",
        "tasks": [_make_task(config, split, language) for config in CHOICE_CONFIGS],
    }
    return _HEAD + dump_yaml(document)


def _make_task(config: str, split: str, language: str) -> dict[str, Any]:
    # The template is filled from the sample's metadata: a brace of its own would be taken for a slot.
    system = find_texts(language).system.replace("{", "{{").replace("}", "}}")
    return {
        "id": config,
        "config": config,
        "split": split,
        "field_spec": {
            "input": "prompt",
            "target": "answer",
            "choices": ["option_a", "option_b"],
            "metadata": ["item_id", "dimension", "kind", "language", "content_hash"],
        },
        "solvers": [
            {"name": "system_message", "args": {"template": system}},
            {"name": "generate"},
        ],
        "scorers": [{"name": "pattern", "args": {"pattern": CHOICE_PATTERN, "ignore_case": True}}],
    }
