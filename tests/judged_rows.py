"""Items that a model judge judged, and some of them people, for the tests of corrected scores."""

from collections.abc import Iterable

from builder.judged_items import JudgedItem, Votes

__all__ = ["make_items"]


def make_items(
    choice: bool | None,
    judge: bool | None,
    votes: Iterable[Votes | None],
    *,
    unseen: int = 0,
    first: int = 0,
) -> list[JudgedItem]:
    """Items of one choice and judge's word: those drawn, with their votes, and so many more that were not."""
    stratum = {True: "pass", False: "fail", None: "undetermined"}[choice]
    given = [*((vote, True) for vote in votes), *[(None, False)] * unseen]
    return [
        JudgedItem(
            item_id=f"i-{stratum}-{judge}-{first + number}",
            family="",
            stratum=stratum,
            choice=choice,
            judge=judge,
            drawn=drawn,
            votes=vote,
        )
        for number, (vote, drawn) in enumerate(given)
    ]
