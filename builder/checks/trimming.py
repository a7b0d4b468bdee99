"""What trimming took away: imported items with their source records enter; findings on edges leave."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

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
    findings = []
    for where in _ENDS:
        signs, whole = (_compare(texts, where, read) for read in (_list_signs, _tell_signs))
        # Order and number are told where they tell more than the kinds of characters do.
        most = max((abs(a - b) for _, (a, b) in signs), default=0.0)
        told = signs + [
            (edge, both) for edge, both in whole if abs(both[0] - both[1]) > most + _NOTABLE
        ]
        for edge, shares in told:
            evidence = (
                f"before trimming, {shares[0]:.0%} of the positive and {shares[1]:.0%} of the negative "
                f"options of {len(records)} imported items {where} {edge}"
            )
            remedy = "Nothing to do here: texts are trimmed. Scores on the source as released are not comparable."
            findings.append(make_set_finding("leak:trimmed", Severity.INFO, evidence, remedy))
    return findings


def _compare(
    texts: Mapping[str, Sequence[str]], where: str, read: Callable[[str], set[str]]
) -> list[tuple[str, list[float]]]:
    """Return what ``read`` finds at one end of the options of one side notably more often."""
    counted = {
        side: Counter(edge for text in texts[side] for edge in read(_ENDS[where](text)))
        for side in texts
    }
    shares = {
        edge: [counted[side][edge] / len(texts[side]) for side in _FIELDS]
        for edge in sorted(set().union(*counted.values()))
    }
    return [(edge, both) for edge, both in shares.items() if abs(both[0] - both[1]) >= _NOTABLE]


def _take_start(text: str) -> str:
    return text[: text.index(trim(text))]


def _take_end(text: str) -> str:
    kept = trim(text)
    return text[text.index(kept) + len(kept) :]


_ENDS = {"began with": _take_start, "ended in": _take_end}


def _list_signs(signs: str) -> set[str]:
    """Return the kinds of characters that were trimmed off."""
    return {_name(sign) for sign in signs}


def _tell_signs(signs: str) -> set[str]:
    """Return what was trimmed off as one, in order and with repetitions; nothing where nothing was."""
    runs = [(sign, len(list(run))) for sign, run in groupby(signs)]
    told = ", ".join(
        f"{_name(sign)}{f' ×{count}' if count > 1 else ''}" for sign, count in runs[:12]
    )
    return {told} if told else set()


def _name(sign: str) -> str:
    return _NAMES.get(sign) or f"U+{ord(sign):04X} ({unicodedata.name(sign, 'unnamed').lower()})"
