"""What trimming took away: imported items with their source records enter; findings on edges leave."""

import json
from collections.abc import Sequence

from builder.checks.findings import make_set_finding
from schemas.labels import Severity
from schemas.storage import Row
from schemas.texts import trim

__all__ = ["find_trimmed_edges"]

_FIELDS = {"positive_option": "Positive Option", "negative_option": "Negative Option"}
_EDGES = {
    "ended in a line break": lambda text: text != trim(text) and "\n" in text[len(text.rstrip()) :],
    "began with white space": lambda text: text[:1].isspace(),
}
_NOTABLE = 0.1


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
    for edge, holds in _EDGES.items():
        shares = [sum(map(holds, texts[side])) / len(texts[side]) for side in _FIELDS]
        if abs(shares[0] - shares[1]) >= _NOTABLE:
            told = (
                f"before trimming, {shares[0]:.0%} of the positive and {shares[1]:.0%} of the negative "
                f"options of {len(records)} imported items {edge}"
            )
            remedy = "Nothing to do here: texts are trimmed. Scores on the source as released are not comparable."
            findings.append(make_set_finding("leak:trimmed", Severity.INFO, told, remedy))
    return findings
