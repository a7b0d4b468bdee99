"""lm-evaluation-harness: where a release's choice configs lie enters; its task files leave, by name.

Two groups are made: ``NAME_choice`` asks for a letter, as the evaluator does, and ``NAME_choice_loglikelihood``
compares how likely a base model finds the two letters. Each has a task an order.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from builder.bundle.engine.prompt_texts import find_texts
from builder.release.peers.choice_pattern import CHOICE_PATTERN
from builder.release.peers.yaml_texts import CHOICE_CONFIGS, dump_yaml

__all__ = ["ChoiceData", "make_lm_eval_files", "make_task_name"]

ChoiceData = Mapping[str, Mapping[str, Any]]
"""How each choice config is loaded: the harness's ``dataset_path``, ``dataset_name`` and ``dataset_kwargs``."""

_NOTE = """\
# Accuracy here is the share of items whose positive option was chosen, an order at a time. CS and CSS
# (arXiv 2311.05915) compare the choices in both orders with judged open replies; they are not computed here.
"""
_GENERATE_NOTE = """\
# Ask chat models as the evaluator does, with --apply_chat_template and
#   --system_instruction "{system}"
# The filter reads a plainly written letter as the evaluator's parser does; all else is wrong.
"""
_LIKELIHOOD_NOTE = """\
# For models that tell likelihoods: the plain form, and the likelier of the two letters. Its accuracy is
# another measure than that of letters written out, and is not to be compared with the evaluator's.
"""
_PLAIN_FORM = "{{question}}\nA. {{option_a}}\nB. {{option_b}}\nAnswer:"
_MOST_TOKENS = 1024


def make_lm_eval_files(
    name: str, version: str, data: ChoiceData, split: str, language: str = "en"
) -> dict[str, str]:
    """Return the harness's files for a release: name of the file to its text.

    ``name`` and ``version`` are the release's, ``data`` says how each choice config is loaded, ``split`` which
    part of it is asked, and ``language`` is the tag of its items.
    """
    asking = _GENERATE_NOTE.format(system=find_texts(language).system)
    files: dict[str, str] = {}
    for suffix, note, settings in (
        ("choice", asking, _make_generation()),
        ("choice_loglikelihood", _LIKELIHOOD_NOTE, _make_likelihood()),
    ):
        group = f"{make_task_name(name)}_{suffix}"
        tasks = {config: f"{group}_{config.removeprefix('mcq_')}" for config in CHOICE_CONFIGS}
        for config, task in tasks.items():
            shared = {"task": task, **data[config], "test_split": split}
            document = shared | settings | {"metadata": {"version": version}}
            files[f"{task}.yaml"] = _NOTE + note + dump_yaml(document)
        files[f"{group}.yaml"] = _NOTE + dump_yaml(
            _make_group(group, list(tasks.values()), version)
        )
    return files


def make_task_name(name: str) -> str:
    """Return a benchmark's name as the harness takes one: letters, digits and underscores.

    >>> make_task_name("my-bench.2")
    'my_bench_2'
    """
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").casefold() or "benchmark"


def _make_group(group: str, tasks: Sequence[str], version: str) -> dict[str, Any]:
    # No mean over the orders is asked for: a model that always says A earns half in each.
    return {"group": group, "task": list(tasks), "metadata": {"version": version}}


def _make_generation() -> dict[str, Any]:
    return {
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer",
        "num_fewshot": 0,
        "generation_kwargs": {
            "until": [],
            "do_sample": False,
            "temperature": 0.0,
            "max_gen_toks": _MOST_TOKENS,
        },
        "filter_list": [
            {
                "name": "letter",
                "filter": [
                    {"function": "regex", "regex_pattern": CHOICE_PATTERN, "fallback": "[none]"},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [
            {
                "metric": "exact_match",
                "aggregation": "mean",
                "higher_is_better": True,
                "ignore_case": True,
            }
        ],
    }


def _make_likelihood() -> dict[str, Any]:
    return {
        "output_type": "multiple_choice",
        "doc_to_text": _PLAIN_FORM,
        "doc_to_choice": ["A", "B"],
        "doc_to_target": "answer",
        "num_fewshot": 0,
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
