"""The dataset card: manifest and rows enter; ``README.md`` with its YAML head leaves.

Nothing but manifest and rows is read, so that the card can be made again from a release alone.
"""

import string
from collections.abc import Mapping
from importlib import resources
from typing import Any

from builder.release.card.creation import describe_creation
from builder.release.card.details import describe_details
from builder.release.card.head import write_head
from builder.release.card.limits import describe_limits
from builder.release.card.review import describe_annotation
from builder.release.card.structure import describe_structure
from builder.release.card.tally import Tally
from builder.release.citation import write_apa, write_bibtex, write_paper_bibtex

__all__ = ["write_card"]


def write_card(manifest: Mapping[str, Any], tally: Tally) -> str:
    """Return the card's Markdown, every figure from the manifest and the rows."""
    slots = {
        **describe_details(manifest, tally),
        **describe_structure(manifest, tally),
        **describe_creation(manifest, tally),
        **describe_annotation(manifest, tally),
        **describe_limits(manifest, tally),
        "bibtex": write_bibtex(manifest),
        "paper_bibtex": write_paper_bibtex(),
        "apa": write_apa(manifest),
    }
    template = (resources.files("builder.release.card") / "card.md").read_text(encoding="utf-8")
    body = string.Template(template).substitute(slots)
    return write_head(manifest, tally) + _close_gaps(body)


def _close_gaps(text: str) -> str:
    """Return the text with one empty line where an empty slot left several."""
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text
