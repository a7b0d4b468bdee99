"""On what scores of two releases can be compared: their diff enters; anchors and obstacles, in words, leave."""

from builder.release.versions.changes import Subject
from builder.release.versions.diffing import ReleaseDiff

__all__ = ["describe_comparability", "list_obstacles"]

_PER_SCORE = {
    Subject.SCORING: "the evaluator scores otherwise",
    Subject.PROMPT: "the prompts are others",
}


def list_obstacles(diff: ReleaseDiff) -> list[str]:
    """Return why scores of the two releases cannot be compared as they stand, even on the anchors."""
    obstacles = []
    if not diff.anchors:
        obstacles.append("no item is shared unchanged")
    if diff.old.name != diff.new.name:
        obstacles.append(f"they are two benchmarks, {diff.old.name} and {diff.new.name}")
    if diff.old.split != diff.new.split:
        obstacles.append(f"they are two splits, {diff.old.split} and {diff.new.split}")
    subjects = {change.subject for change in diff.manifest}
    return obstacles + [told for subject, told in _PER_SCORE.items() if subject in subjects]


def describe_comparability(diff: ReleaseDiff) -> list[str]:
    """Return how many items are shared unchanged, overall and by dimension, and what that is good for."""
    old, new = diff.old, diff.new
    same = sum(anchor.is_same_letter for anchor in diff.anchors)
    shared = (
        f"{len(diff.anchors)} items are anchors: shared unchanged, of {old.items} of {old.version} and "
        f"{new.items} of {new.version}; {same} of them with the options in the same order (CS and CSS "
        "do not depend on it, as both orders are asked)."
    )
    shares = [f"{d.dimension} {d.anchors} of {d.old} and {d.new}" for d in diff.dimensions]
    parts = [f"Anchors by dimension: {', '.join(shares)}."] if shares else []
    return [shared, *parts, _conclude(diff)]


def _conclude(diff: ReleaseDiff) -> str:
    old, new = diff.old.version, diff.new.version
    obstacles = list_obstacles(diff)
    if obstacles:
        told = "; ".join(obstacles)
        if not diff.anchors:
            return f"Scores on {old} and on {new} cannot be compared: {told}."
        return (
            f"Scores on {old} and on {new} cannot be compared as they stand, even on the anchors: {told}. "
            "Score the replies to both anew with one evaluator and one judge."
        )
    whole = len(diff.anchors) == diff.old.items == diff.new.items
    where = "as they stand" if whole else "on the anchors alone"
    told = "" if whole else " (finebench report RUN RUN --anchors)"
    return (
        f"Scores on {old} and on {new} can be compared {where}, where the same judge judged both: "
        f"prompts and scoring are the same{told}."
    )
