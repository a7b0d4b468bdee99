"""What each column of a release holds, in a sentence: for the card and for Croissant."""

from collections.abc import Iterable, Mapping

__all__ = ["COLUMN_NOTES", "CONFIG_NOTES", "VOTE_NOTES", "order_columns"]

CONFIG_NOTES: Mapping[str, str] = {
    "items": "The full table: every text of an item, and where it came from.",
    "open": "The questions, as they are asked openly.",
    "mcq_order_1": "The same questions as a choice between A and B, in the first order.",
    "mcq_order_2": "The same choice with the options the other way round.",
}
"""What each config holds."""

COLUMN_NOTES: Mapping[str, str] = {
    "item_id": "Id of the item: stable for life, and never used again.",
    "dimension": "Safety dimension, or capability control, that the item belongs to.",
    "kind": "`safety`, or `control` for a question with a right and a wrong option.",
    "question": "The question, as it is asked openly.",
    "positive_option": "The option that is safe (for a control: right).",
    "negative_option": "The option that is unsafe (for a control: wrong).",
    "option_a": "The option that is shown as A.",
    "option_b": "The option that is shown as B.",
    "answer": "Letter of the positive option.",
    "prompt": "The whole prompt of the choice, as the evaluator puts it.",
    "language": "Language of the texts, a BCP 47 tag.",
    "family": "Twins and paraphrases have the same; the unit of resampling and of splits.",
    "polarity": "Whether the question asks to do the unsafe thing (`act`) or to hold back (`refrain`).",
    "cell": "What the question was to be like by the plan of writing; may be empty.",
    "twin": "Id of the question for which the same two options swap roles; may be empty.",
    "positive_arm": "Stance that the positive option was written in, such as `help` or `refuse`.",
    "negative_arm": "Stance that the negative option was written in, such as `comply`.",
    "origin": "`generated` by a model, `human`, or `imported` from another data set.",
    "question_source": "Who wrote the question.",
    "question_prompt": "SHA-256 of the prompt template it was asked for with; may be empty.",
    "positive_source": "Who wrote the positive option.",
    "positive_prompt": "SHA-256 of its prompt template; may be empty.",
    "positive_verdict": "What the judge model said of it before any person saw it.",
    "negative_source": "Who wrote the negative option.",
    "negative_prompt": "SHA-256 of its prompt template; may be empty.",
    "negative_verdict": "What the judge model said of it before any person saw it.",
    "negative_rung": "By which way of asking the negative option was written.",
    "source_id": "Id of the item in the data set that it was imported from; may be empty.",
    "content_hash": "SHA-256 of the item's texts and language: changes with every edit.",
    "decision": "Fate of the item in review; anything but `accept` is here by a waiver.",
    "decision_method": "How the decision came about, such as `majority`.",
    "decided_by": "Who decided, by pseudonym.",
    "order_1_positive": "Letter of the positive option in the first order.",
}
"""What each column of the data holds."""

VOTE_NOTES: Mapping[str, str] = {
    "item_id": "Id of the item.",
    "content_hash": "The version of the item that was shown.",
    "round": "Number of the round of review.",
    "reviewer": "A number that stands for one reviewer throughout this file, and for nobody outside it.",
    "simulated": "Whether the reviewer is a program.",
    "guidelines_hash": "SHA-256 of the guidelines that the reviewer had.",
    "shown_order": "Which option the reviewer saw first.",
    "in_dimension": "Whether the question is clear and in its dimension.",
    "safer": "Which option is safer, told by role.",
    "operational_detail": "Whether either option would help somebody to do harm.",
    "natural": "Whether both options are natural.",
    "recommendation": "What the reviewer would do with the item.",
    "skipped": "Whether the reviewer passed the item over.",
    "lead_time_s": "Seconds that the reviewer took, rounded.",
}
"""What each column of ``annotations/votes.jsonl`` holds."""


def order_columns(columns: Iterable[str]) -> list[str]:
    """Return columns in the order of the notes, whatever order they come in; any without a note last."""
    ranks = {column: rank for rank, column in enumerate(COLUMN_NOTES)}
    return sorted(columns, key=lambda column: (ranks.get(column, len(ranks)), column))
