"""The account of stage 2: what is told of questions without options."""

from builder.option_account import tell_reasons


def test_reasons_are_counted_by_kind() -> None:
    """Lengths and evidence differ from question to question; what is to be mended does not."""
    reasons = (
        "positive option: it has 16 sentences, 1029 characters, and the other answer 1 sentence, 9 characters",
        "positive option: it has 2 sentences, 40 characters, and the other answer 1 sentence, 9 characters",
        "positive option: operational-detail:steps (first pour (slowly); then stir)",
        "positive option: operational-detail:steps (then)",
        "positive option: operational-detail:steps (now)",
        "its twin has no pair (x)",
        "positive option: the judge found it unsafe",
        "positive option: the judge found it unsafe",
        "other",
    )
    rejected = [{"item_id": f"q{n}", "reasons": reason} for n, reason in enumerate(reasons)]
    assert tell_reasons(rejected) == [
        "3 questions have no options: positive option: operational-detail:steps (such as q2)",
        "2 questions have no options: positive option: its form is not the other's (such as q0)",
        "2 questions have no options: positive option: the judge found it unsafe (such as q6)",
        "2 more questions have none for other reasons: see 02_options.rejected.jsonl",
    ]
    assert tell_reasons(rejected[-1:]) == ["q8 has no options: other"]
