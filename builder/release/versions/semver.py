"""Which number a release gets: the diff to the one before enters; the level of change, with reasons, leaves.

The rule, from the first release on and before 1.0.0 alike, so that a number never says less than what
changed (semver.org leaves major zero free; we do not use that freedom):

- major: a shown text edited; a dimension added, removed, renamed or redefined, or an item moved to another;
  prompts, parser or scoring changed
- minor: items added or retired; options in the other order; other columns of the table, or dimensions in
  another order, which numbers them anew there; another held-out split
- patch: metadata alone, to which quotas, aliases, provenance, decisions and the licence belong
- none: nothing that the releases tell differs; the order of items and the bytes of files are nothing
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import IntEnum

from builder.release.versions.changes import ManifestChange, Subject
from builder.release.versions.diffing import ReleaseDiff
from builder.workspace import parse_version

__all__ = ["FIRST_VERSION", "Level", "check_version", "judge_level", "propose_version"]

FIRST_VERSION = "1.0.0"


class Level(IntEnum):
    """How much a release changes, in order."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        """The level as people read it."""
        return self.name.casefold()


_LEVELS = {
    Subject.DIMENSION: Level.MAJOR,
    Subject.PROMPT: Level.MAJOR,
    Subject.SCORING: Level.MAJOR,
    Subject.SCHEMA: Level.MINOR,
    Subject.HELD_OUT: Level.MINOR,
    Subject.EVALUATOR: Level.PATCH,
    Subject.LICENSE: Level.PATCH,
    Subject.METADATA: Level.PATCH,
}

_TOLD = {
    Subject.DIMENSION: "dimensions changed",
    Subject.PROMPT: "prompts changed",
    Subject.SCORING: "the evaluator's scoring changed",
    Subject.SCHEMA: "the table's schema changed",
    Subject.HELD_OUT: "the held-out split changed (compare its own folders to see how)",
    Subject.EVALUATOR: "code of the evaluator changed that shapes no score",
    Subject.LICENSE: "the license changed",
    Subject.METADATA: "metadata changed",
}

_MOST_NAMED = 3


def judge_level(
    diff: ReleaseDiff, *, held_out: ReleaseDiff | None = None
) -> tuple[Level, list[str]]:
    """Return the level of a diff, and the reasons for it in words, those of smaller levels left out.

    ``held_out`` is the diff of the releases' held-out splits; where it is given, it speaks for itself.
    """
    found = list(_judge_items(diff, "item"))
    changes = list(diff.manifest)
    if held_out is not None:
        found += _judge_items(held_out, "held-out item")
        changes = [change for change in changes if change.subject is not Subject.HELD_OUT]
        changes += [
            change
            for change in held_out.manifest
            if change.subject is not Subject.HELD_OUT and change not in changes
        ]
    found += _judge_manifest(changes)
    level = max((level for level, _ in found), default=Level.NONE)
    return level, [reason for own, reason in found if own is level]


def _judge_items(diff: ReleaseDiff, noun: str) -> Iterator[tuple[Level, str]]:
    counts = (
        (Level.MAJOR, "edited", len(diff.reworded)),
        (Level.MAJOR, "moved to another dimension", sum(e.is_moved for e in diff.edited)),
        (Level.MINOR, "added", len(diff.added)),
        (Level.MINOR, "retired", len(diff.retired)),
        (Level.MINOR, "in the other order", sum(e.is_letter_changed for e in diff.edited)),
        (Level.MINOR, "with other columns", sum(e.has_other_columns for e in diff.edited)),
        (Level.PATCH, "with other metadata", sum(bool(e.metadata) for e in diff.edited)),
    )
    for level, told, count in counts:
        if count:
            yield level, f"{count} {noun}{'s' * (count != 1)} {told}"


def _judge_manifest(changes: Sequence[ManifestChange]) -> Iterator[tuple[Level, str]]:
    counts = Counter(change.subject for change in changes)
    for subject in Subject:
        if subject in counts:
            paths = [c.path for c in changes if c.subject is subject]
            yield _LEVELS[subject], f"{_TOLD[subject]}{_name_paths(subject, paths)}"


def _name_paths(subject: Subject, paths: Sequence[str]) -> str:
    if subject in {Subject.LICENSE, Subject.SCHEMA, Subject.HELD_OUT}:
        return ""
    names = list(dict.fromkeys(path.removeprefix("dimensions.") for path in paths))
    if subject is Subject.METADATA:
        names = list(dict.fromkeys(path.partition(".")[0] for path in paths))
    more = len(names) - _MOST_NAMED
    return f" ({', '.join(names[:_MOST_NAMED])}{f' and {more} more' if more > 0 else ''})"


def propose_version(previous: str, level: Level) -> str:
    """Return the least number that tells a level of change; the same number where nothing changed.

    >>> [propose_version("1.2.3", level) for level in Level]
    ['1.2.3', '1.2.4', '1.3.0', '2.0.0']
    """
    major, minor, patch = parse_version(previous)
    if level is Level.MAJOR:
        return f"{major + 1}.0.0"
    if level is Level.MINOR:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + (level is Level.PATCH)}"


def check_version(previous: str, proposed: str, level: Level) -> str:
    """Return what a number understates, in words; an empty text where it says enough or more.

    >>> check_version("1.2.3", "1.2.4", Level.MINOR)
    '1.2.4 says less than minor after 1.2.3: at least 1.3.0'
    """
    least = propose_version(previous, level)
    if parse_version(proposed) >= parse_version(least):
        return ""
    return f"{proposed} says less than {level.word} after {previous}: at least {least}"
