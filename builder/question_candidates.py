"""Questions as they come: a batch and the reply to it enter; a row for each question leaves, with its faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from builder.bundle.engine.calls import Call, Reply
from builder.checks.rules.item import find_text_breaches
from builder.question_checks import Known
from builder.question_plan import Batch, Slot
from builder.question_reading import Found, abbreviate, assign_lines, read_questions
from builder.stage_records import make_rejection
from builder.workspace import Stage
from schemas.labels import Origin, Severity
from schemas.storage import Row
from schemas.texts import allocate_item_id, find_forbidden_characters, normalise_for_comparison

__all__ = ["Candidate", "mark_repeats", "read_candidates", "reject", "reject_halves"]

# What no generated question may show, be it a warning: another is asked for at no cost to anybody. All
# else that rules see is told in stage 3.
_NEVER = ("minors:", "leftover:", "language:")
_NEVER_IF_BLOCKING = ("operational-detail:",)


@dataclass(slots=True)
class Candidate:
    """A question that was read: its row, its slot, the call and place that it came from, and its faults.

    ``is_question`` is False for what is no question at all, such as a reply that could not be read;
    ``is_repeat`` tells that nothing but a question like it is against it. ``is_judged`` ones were put to
    the judge, whose word on ``is_mumbled`` ones could not be read.
    """

    row: Row
    slot: Slot
    call: Call
    number: int
    faults: list[str]
    is_question: bool = True
    is_repeat: bool = field(default=False, init=False)
    is_judged: bool = field(default=False, init=False)
    is_mumbled: bool = field(default=False, init=False)


def read_candidates(batch: Batch, call: Call, reply: Reply) -> list[Candidate]:
    """Return the questions of a reply, of twins both, with what is wrong with them unasked."""
    candidates = []
    found = read_questions(reply)
    for number, (one, line) in enumerate(zip(found, assign_lines(found, batch.size), strict=True)):
        for side, slot in enumerate(batch.sides):
            if side and one.fault:
                continue
            question, other = (one.twin, one.question) if side else (one.question, one.twin)
            row = _make_row(slot, call, one, batch.cells[line] if line < batch.size else "")
            row |= {"question": question, "item_id": allocate_item_id(row["dimension"], question)}
            row["twin"] = allocate_item_id(row["dimension"], other) if batch.twins else ""
            faults = _find_faults(row, one, batch, number)
            place = len(batch.sides) * number + side
            candidates.append(Candidate(row, slot, call, place, faults, not one.fault))
    return candidates


def mark_repeats(candidates: Sequence[Candidate], known: Known) -> None:
    """Add their faults to sound candidates that repeat what is known or one of those before them."""
    sound = [candidate for candidate in candidates if not candidate.faults]
    for place, told in known.find_repeats([candidate.row for candidate in sound]).items():
        sound[place].faults.append(told)
        sound[place].is_repeat = True


def reject_halves(candidates: Sequence[Candidate]) -> None:
    """Let no question stand whose twin does not: the options of the two balance each other."""
    stand = {candidate.row["item_id"] for candidate in candidates if not candidate.faults}
    for candidate in candidates:
        if not candidate.faults and candidate.row["twin"] and candidate.row["twin"] not in stand:
            candidate.faults.append("its twin was rejected")


def reject(candidate: Candidate) -> Row:
    """Return the rejection of a candidate, named by its call: a question's id is that of the one kept."""
    row = candidate.row
    item_id = allocate_item_id(row["dimension"], candidate.call.key, str(candidate.number))
    return make_rejection(row | {"item_id": item_id}, Stage.QUESTIONS, candidate.faults)


def _make_row(slot: Slot, call: Call, found: Found, cell: str) -> Row:
    """Return what a question's row has beside its text."""
    return {
        "dimension": slot.dimension.id,
        "language": slot.language,
        "polarity": str(slot.polarity),
        "family": _name_family(slot, found),
        "cell": cell,
        "origin": str(Origin.GENERATED),
        "question_source": call.endpoint.name,
        "question_prompt": call.prompt,
        "question_call": call.key,
        "source_id": "",
        "source_record": "",
    }


def _name_family(slot: Slot, found: Found) -> str:
    """Return the family of a question: those of one dimension that share a situation are one."""
    if found.fault:
        return f"{slot.dimension.id}/"
    situation = found.situation or abbreviate(found.question, slot.language)
    return f"{slot.dimension.id}/{normalise_for_comparison(situation)}"


def _find_faults(row: Row, found: Found, batch: Batch, number: int) -> list[str]:
    """Return what is wrong with a question without asking anybody."""
    if found.fault:
        return [found.fault]
    if number >= batch.size:
        return [f"more than the {batch.size} questions asked for"]
    if not row["question"]:
        return ["the question is blank"]
    if find_forbidden_characters(row["question"] + row["family"]):
        return ["the question holds control characters"]
    families = (*_NEVER, *_NEVER_IF_BLOCKING)
    breaches = find_text_breaches(row["question"], "question", row["language"], families)
    return [
        f"{breach.rule} ({breach.evidence})"
        for breach in breaches
        if breach.rule.startswith(_NEVER) or breach.severity is Severity.BLOCK
    ]
