"""The splits of two releases compared: public and held-out folders enter; a diff of each leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.bundle.engine.provenance import find_mapping
from builder.release.reading import ReleaseData, read_release
from builder.release.versions.diffing import ReleaseDiff, compare_releases
from builder.release.versions.semver import Level, judge_level
from builder.workspace import HELD_OUT_SUFFIX

__all__ = ["SplitDiff", "Splits", "compare_splits", "read_splits"]


@dataclass(frozen=True, slots=True)
class Splits:
    """A release: its public part, or the one that was named, and the held-out one where it is at hand."""

    public: ReleaseData
    held_out: ReleaseData | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no part is missing: the held-out one is at hand, or there is none."""
        return self.held_out is not None or not find_mapping(self.public.manifest, "sibling").get(
            "items"
        )


@dataclass(frozen=True, slots=True)
class SplitDiff:
    """The diffs of both splits; that of the held-out one is None where it cannot be told or there is none."""

    public: ReleaseDiff
    held_out: ReleaseDiff | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs in either."""
        return self.public.is_empty and (self.held_out is None or self.held_out.is_empty)

    def judge(self) -> tuple[Level, Sequence[str]]:
        """Return the level of change over both splits, with the reasons for it."""
        return judge_level(self.public, held_out=self.held_out)


def read_splits(path: Path) -> Splits:
    """Return the release in a folder, with its held-out part where that lies beside it."""
    beside = path.resolve()
    beside = beside.with_name(f"{beside.name}{HELD_OUT_SUFFIX}")
    held_out = read_release(beside) if beside.is_dir() else None
    return Splits(read_release(path), held_out)


def compare_splits(old: Splits, new: Splits) -> SplitDiff:
    """Return what changed in each split; a split that a release does not have counts as empty."""
    public = compare_releases(old.public, new.public)
    if not (old.is_whole and new.is_whole) or not (old.held_out or new.held_out):
        return SplitDiff(public)
    before = old.held_out or _make_empty(old, new)
    after = new.held_out or _make_empty(new, old)
    return SplitDiff(public, compare_releases(before, after))


def _make_empty(of: Splits, other: Splits) -> ReleaseData:
    """Return a held-out part without rows, which tells no more than the public part does already."""
    told = other.held_out.manifest if other.held_out else {}
    named = {name: of.public.manifest.get(name, "") for name in ("name", "version")}
    return ReleaseData(Path(), told | named, [])
