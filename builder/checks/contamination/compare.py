"""Contamination: items and references enter; findings on items that stand there already leave.

Each text of an item is compared with each passage: the same normalised text is *exact*, a ratio at or
above the cut-off is *near-duplicate*, and a long run of letters in common is *overlap*. References are
read in blocks, so that memory does not grow with them. An item is not compared with itself in an
earlier release, nor with its family: twins share their options by design.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from builder.checks.contamination.overlap import RunFinder
from builder.checks.contamination.references import Passage
from builder.checks.findings import make_finding
from builder.checks.similarity.index import TextIndex
from builder.checks.similarity.join import Matches, find_matches
from builder.versions import TEXTS
from schemas.labels import Severity
from schemas.storage import Row
from schemas.texts import shorten

__all__ = ["CONTAMINATION", "Contact", "find_contacts", "make_findings"]

CONTAMINATION = "contamination"
"""How the names of the rules begin by which an item is found elsewhere."""

_BLOCK, _LEAST_BLOCK, _CHARACTERS = 50_000, 1_000, 5_000_000
_REMEDIES = {
    "exact": "Withdraw or rewrite the item: models may have been trained on this text.",
    "near-duplicate": "Rewrite the text until it differs, or withdraw the item.",
    "overlap": "Reviewers decide whether the shared passage gives the item away.",
}


@dataclass(frozen=True, slots=True)
class Contact:
    """One text of an item found in one passage of a source.

    ``kind`` is exact, near-duplicate or overlap; ``share`` the ratio, or of an overlap the characters
    of the run; ``shown`` the passage or the run, shortened.
    """

    item: int
    text: str
    kind: str
    share: float
    place: str
    shown: str


def find_contacts(
    items: Sequence[Row],
    passages: Iterable[Passage],
    cutoff: float,
    *,
    memory_mb: int = 1024,
    families: Mapping[str, str] | None = None,
    on_passages: Callable[[int], None] | None = None,
) -> list[Contact]:
    """Return for each item, text and kind the closest passage; a text that is found exactly is told once.

    ``families`` has the families of further items of ours, such as withdrawn ones, by id.
    ``on_passages`` is told how many passages have been compared.
    """
    owners = [(number, name) for number in range(len(items)) for name in TEXTS]
    texts = [items[number][name] for number, name in owners]
    families = {**(families or {}), **{item["item_id"]: item["family"] for item in items}}
    index = TextIndex.build(texts, memory_mb=memory_mb)
    runs = RunFinder(texts)
    best: dict[tuple[int, str, str], Contact] = {}
    done = 0
    # Every text may be like every passage of a block; a pair found takes some 45 bytes.
    most = memory_mb * (1 << 20) // 8 // 45 // max(1, len(texts))
    for block in _cut(passages, min(_BLOCK, max(_LEAST_BLOCK, most))):
        kin = [families.get(passage.item_id, passage.item_id) for passage in block]
        for text, contact in _compare_block(index, runs, block, kin, cutoff, memory_mb):
            number, name = owners[text]
            passage = block[contact.passage]
            if families.get(passage.item_id, passage.item_id) == items[number]["family"]:
                continue
            found = Contact(number, name, contact.kind, contact.share, passage.place, contact.shown)
            key = (number, name, contact.kind)
            if key not in best or found.share > best[key].share:
                best[key] = found
        done += len(block)
        if on_passages:
            on_passages(done)
    return [contact for key, contact in sorted(best.items()) if not _is_told(key, best)]


def _is_told(key: tuple[int, str, str], best: dict[tuple[int, str, str], Contact]) -> bool:
    """Return whether a closer kind of contact tells the same."""
    number, name, kind = key
    closer = {"overlap": ("exact", "near-duplicate"), "near-duplicate": ("exact",)}.get(kind, ())
    return any((number, name, other) in best for other in closer)


def _cut(passages: Iterable[Passage], most: int) -> Iterator[list[Passage]]:
    """Yield the passages in blocks of bounded number and length; a longer passage is a block alone."""
    block: list[Passage] = []
    characters = 0
    for passage in passages:
        if block and (len(block) == most or characters + len(passage.text) > _CHARACTERS):
            yield block
            block, characters = [], 0
        block.append(passage)
        characters += len(passage.text)
    if block:
        yield block


@dataclass(frozen=True, slots=True)
class _Hit:
    """A passage of a block that a text was found in."""

    passage: int
    kind: str
    share: float
    shown: str


def _compare_block(
    index: TextIndex,
    runs: RunFinder,
    block: Sequence[Passage],
    kin: Sequence[str],
    cutoff: float,
    memory_mb: int,
) -> Iterator[tuple[int, _Hit]]:
    bodies = [passage.text for passage in block]
    matches = find_matches(index, bodies, cutoff, memory_mb=memory_mb)
    for group, left, ratio in _pick_closest(matches, kin):
        kind = "exact" if ratio == 100 else "near-duplicate"
        for text in matches.right[group].tolist():
            yield text, _Hit(left, kind, ratio, shorten(bodies[left], 80))
    for overlap in runs.find(bodies, kin):
        shown = shorten(overlap.run, 80)
        yield overlap.text, _Hit(overlap.passage, "overlap", float(len(overlap.run)), shown)


def _pick_closest(matches: Matches, kin: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield for each group of equal texts its closest passage, and the closest of another family.

    The first may be the item itself or its twin, in an earlier release; the second is not. That is all
    that can be told of a text, however many passages of a block are like it. ``kin`` names the family
    of each passage.
    """
    first = matches.left.members[matches.left.starts[matches.pairs[:, 0]]]
    order = np.lexsort((first, -matches.ratios))
    taken: dict[int, list[str]] = {}
    for n in order.tolist():
        group = int(matches.pairs[n, 1])
        names = taken.setdefault(group, [])
        if len(names) < 2:
            for passage in matches.left[int(matches.pairs[n, 0])].tolist():
                if len(names) < 2 and (not names or kin[passage] != names[0]):
                    names.append(kin[passage])
                    yield group, passage, float(matches.ratios[n])


def make_findings(items: Sequence[Row], contacts: Sequence[Contact], source: str) -> list[Row]:
    """Return a finding for each contact: copies of a question block, all else is for reviewers."""
    return [_make_finding(items[contact.item], contact, source) for contact in contacts]


def _make_finding(item: Row, contact: Contact, source: str) -> Row:
    copied = contact.kind != "overlap" and contact.text == "question"
    how = {
        "exact": "the same text",
        "near-duplicate": f"ratio {contact.share:.1f}",
        "overlap": f"{contact.share:.0f} letters in common",
    }[contact.kind]
    return make_finding(
        item,
        f"{CONTAMINATION}:{contact.kind}",
        Severity.BLOCK if copied else Severity.WARN,
        f"{contact.text}: {how} in {source}, {contact.place}: {contact.shown}",
        _REMEDIES[contact.kind],
    )
