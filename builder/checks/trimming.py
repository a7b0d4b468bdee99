"""What trimming took away: imported items with their source records enter; findings on edges leave."""

import json
import unicodedata
from collections import Counter
from collections.abc import Sequence

from builder.checks.findings import make_set_finding
from schemas.labels import Severity
from schemas.storage import Row
from schemas.texts import trim

__all__ = ["find_trimmed_edges"]

_FIELDS = {"positive_option": "Positive Option", "negative_option": "Negative Option"}
_NOTABLE = 0.1
_NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab", " ": "a space"}


def find_trimmed_edges(items: Sequence[Row]) -> list[Row]:
    """Return what edges of the options told before they were trimmed at import, where they told much.

    The texts of ours no longer have them; whoever uses the source as it was released still does.
    """
    records = [json.loads(item["source_record"]) for item in items if item["source_record"]]
    texts = {
        side: [record[field] for record in records if isinstance(record.get(field), str)]
        for side, field in _FIELDS.items()
    }
    if not all(texts.values()):
        return []
    counted = {
        side: Counter(edge for t in texts[side] for edge in _list_edges(t)) for side in texts
    }
    findings = []
    for edge in sorted(set().union(*counted.values())):
        shares = [counted[side][edge] / len(texts[side]) for side in _FIELDS]
        if abs(shares[0] - shares[1]) >= _NOTABLE:
            told = (
                f"before trimming, {shares[0]:.0%} of the positive and {shares[1]:.0%} of the negative "
                f"options of {len(records)} imported items {edge}"
            )
            remedy = "Nothing to do here: texts are trimmed. Scores on the source as released are not comparable."
            findings.append(make_set_finding("leak:trimmed", Severity.INFO, told, remedy))
    return findings


def _list_edges(text: str) -> set[str]:
    """Return in words what was trimmed off a text: each kind of character once for each end."""
    kept = trim(text)
    start = text.index(kept)
    ends = (("began with", text[:start]), ("ended in", text[start + len(kept) :]))
    return {f"{how} {_name(sign)}" for how, signs in ends for sign in signs}


def _name(sign: str) -> str:
    return _NAMES.get(sign) or f"U+{ord(sign):04X} ({unicodedata.name(sign, 'unnamed').lower()})"
