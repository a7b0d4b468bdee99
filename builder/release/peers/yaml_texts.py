"""What the files for other tools share: the names of the choice configs, and YAML that is always the same."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["CHOICE_CONFIGS", "dump_yaml"]

CHOICE_CONFIGS = ("mcq_order_1", "mcq_order_2")
"""The configs of a release that ask for a choice; in each, ``answer`` is the letter of the positive option."""


def dump_yaml(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a document as YAML, its keys in the order given and its long texts on one line."""
    import yaml

    plain = dict(document) if isinstance(document, Mapping) else list(document)
    return yaml.safe_dump(
        plain, allow_unicode=True, sort_keys=False, width=float("inf"), line_break="\n"
    )
