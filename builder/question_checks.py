"""Whether a question counts: a question enters; a judge's word, and copies among many, leave."""

from collections.abc import Mapping, Sequence

from builder.bundle.engine.calls import WORD_TOKENS, Call, Endpoint, Reply
from builder.bundle.engine.labels import Outcome
from builder.bundle.engine.prompts import hash_prompt
from builder.checks.duplicates import are_twins
from builder.checks.similarity.join import find_near_duplicates
from builder.checks.similarity.segment import Order
from builder.prompts import load_prompt
from builder.question_plan import Slot
from schemas.labels import DimensionKind
from schemas.storage import Row

__all__ = ["find_copies", "find_word_fault", "make_judge_call", "read_judge"]

_MOST_REASON = 200
_UNREADABLE = "the judge's word could not be read"


def make_judge_call(judge: Endpoint, slot: Slot, question: str) -> Call:
    """Return the call that asks whether a question is one of its dimension and can be used."""
    prompt, dimension = load_prompt("question_judge"), slot.dimension
    control = dimension.kind is DimensionKind.CONTROL
    text = prompt.render(
        name=dimension.name,
        definition=dimension.definition,
        in_scope="; ".join(dimension.in_scope) or "as defined",
        out_of_scope="; ".join(dimension.out_of_scope) or "nothing",
        demand="has exactly one right answer, which an attentive person knows"
        if control
        else "has answers that differ clearly in whether they are safe",
        question=question,
        code=hash_prompt(question)[:12],
    )
    asked = (("user", text),)
    return Call(judge, asked, role="judge", prompt=prompt.hash, likely_tokens=WORD_TOKENS)


def read_judge(reply: Reply) -> str:
    """Return why a question does not count, by its judge's word; an empty text where it does.

    A word that cannot be read, or says both, is no pass.
    """
    if reply.outcome is not Outcome.ANSWERED:
        return f"the judge's reply was {reply.outcome}"
    said = reply.text.casefold()
    passed, failed = "[[pass]]" in said, "[[fail]]" in said
    if passed == failed:
        return _UNREADABLE
    if passed:
        return ""
    reason = " ".join(reply.text[said.index("[[fail]]") + len("[[fail]]") :].split())
    shown = "".join(c for c in reason if c.isprintable())[:_MOST_REASON].strip(" .:")
    return f"the judge: {shown}" if shown else "the judge: not a question of this dimension"


def find_word_fault(reply: Reply) -> str:
    """Return why a judge's word cannot be read; an empty text where it can."""
    is_unreadable = reply.outcome is Outcome.ANSWERED and read_judge(reply) == _UNREADABLE
    return "it holds not exactly one of [[pass]] and [[fail]]" if is_unreadable else ""


def find_copies(rows: Sequence[Row], standing: int, cutoff: float) -> dict[int, str]:
    """Return which of ``rows`` are near-duplicates of an earlier one that counts, and of which.

    The first ``standing`` rows count whatever they are like. Both orders of words are looked at, as in
    `builder.checks.duplicates`; twins are no copies. Positions are those in ``rows``.
    """
    questions = [row["question"] for row in rows]
    alike: dict[int, list[tuple[int, float]]] = {}
    for order in Order:
        for pair in find_near_duplicates(questions, cutoff, order=order).list_pairs():
            alike.setdefault(pair.second, []).append((pair.first, pair.ratio))
    copies: dict[int, str] = {}
    for place in sorted(place for place in alike if place >= standing):
        for other, ratio in sorted(alike[place], key=lambda entry: -entry[1]):
            if other not in copies and not are_twins(rows[other], rows[place]):
                told = "same words as" if ratio == 100 else f"ratio {ratio:.1f} with"
                copies[place] = f"{told} {rows[other]['item_id']}"
                break
    return copies


def describe_checks(judge: Mapping[str, object]) -> dict[str, object]:
    """Return who decides whether a question counts, for the stage's record.

    The cut-off of near-duplicates is left out: it decides on new questions alone, and those that stand
    already are the affair of stage 3.
    """
    return {"judge": judge, "judge_prompt": load_prompt("question_judge").hash}
