"""Where the files of one benchmark under construction live, and how a new one is laid out."""

import json
import re
import shutil
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib import resources
from pathlib import Path

from builder.config import Config, load_config
from schemas.errors import DataError, StorageError, UsageError
from schemas.storage import Row, hold_lock, read_log
from schemas.tables import ADDED_ANSWERS, ADDED_COLUMNS, TABLES, TableName
from schemas.taxonomy import Taxonomy, load_taxonomy
from schemas.texts import trim
from schemas.validation import validate_rows

__all__ = [
    "HELD_OUT_SUFFIX",
    "Stage",
    "Workspace",
    "create_workspace",
    "is_version",
    "open_workspace",
    "parse_version",
    "read_table",
]

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


HELD_OUT_SUFFIX = "-held-out"
"""What the folder of a release's private split has after the version."""


class Stage(StrEnum):
    """The stages that keep a file, by the stem of its name."""

    QUESTIONS = "01_questions"
    OPTIONS = "02_options"
    CHECKED = "03_checked"
    ANNOTATIONS = "04_annotations"
    ADJUDICATED = "05_adjudicated"

    @property
    def table(self) -> TableName:
        """The table that the stage's file holds."""
        return {
            Stage.QUESTIONS: TableName.QUESTION,
            Stage.OPTIONS: TableName.ITEM,
            Stage.CHECKED: TableName.ITEM,
            Stage.ANNOTATIONS: TableName.ANNOTATION,
            Stage.ADJUDICATED: TableName.DECISION,
        }[self]


@dataclass(frozen=True)
class Workspace:
    """One benchmark's folder; all paths are made here."""

    root: Path

    @cached_property
    def config(self) -> Config:
        """The checked content of ``bench.toml``."""
        return load_config(self.root / "bench.toml")

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The checked content of ``dimensions.toml``."""
        return load_taxonomy(self.dimensions)

    def check_configuration(self) -> None:
        """Load ``bench.toml`` and ``dimensions.toml``; raise one `DataError` with the faults of both."""
        errors: list[DataError] = []
        for name in ("config", "taxonomy"):
            try:
                getattr(self, name)
            except DataError as error:
                errors.append(error)
        if errors:
            message = " ".join(str(error) for error in errors)
            raise DataError(message, [p for error in errors for p in error.problems])

    @property
    def dimensions(self) -> Path:
        """The file of dimensions."""
        return self.root / "dimensions.toml"

    @property
    def guidelines(self) -> Path:
        """What reviewers are told."""
        return self.root / "guidelines.md"

    @property
    def journal(self) -> Path:
        """The log of every model call; its content may be harmful text."""
        return self.root / "journal" / "calls.jsonl"

    @property
    def seeds(self) -> Path:
        """The curator's own questions."""
        return self.root / "seeds.jsonl"

    @property
    def plan(self) -> Path:
        """How the questions lie over the axes of the plan."""
        return self.root / "01_plan.json"

    @property
    def rungs(self) -> Path:
        """What each rung of the ladder of negative options brought."""
        return self.root / "02_rungs.json"

    @property
    def repairs(self) -> Path:
        """Negative options that were written anew for their form."""
        return self.root / "02_repairs.jsonl"

    @property
    def options_by_hand(self) -> Path:
        """The log of options that people wrote where no model brought any."""
        return self.root / "options_by_hand.jsonl"

    @property
    def requests(self) -> Path:
        """The folder of calls that were written to files, to be made by somebody else."""
        return self.root / "journal" / "requests"

    @property
    def batches(self) -> Path:
        """The log of jobs at providers' batch services."""
        return self.root / "journal" / "batches.jsonl"

    @property
    def findings(self) -> Path:
        """What the checks saw."""
        return self.root / "03_findings.jsonl"

    @property
    def leak(self) -> Path:
        """What the option-leak audit measured."""
        return self.root / "03_leak.json"

    @property
    def references(self) -> Path:
        """The sources that the items are compared with for contamination."""
        return self.root / "references.json"

    @property
    def contamination(self) -> Path:
        """What was read of each of those sources, and how many items were found there."""
        return self.root / "03_contamination.json"

    @property
    def check_page(self) -> Path:
        """The result of the checks as one page with figures."""
        return self.root / "03_checks.html"

    @property
    def looks(self) -> Path:
        """The log of looks at the auditor that gates releases."""
        return self.root / "looks.jsonl"

    @property
    def edits(self) -> Path:
        """The log of new versions that people wrote."""
        return self.root / "edits.jsonl"

    @property
    def withdrawals(self) -> Path:
        """The log of items taken out."""
        return self.root / "withdrawals.jsonl"

    @property
    def rulings(self) -> Path:
        """The log of decisions that a curator took alone."""
        return self.root / "rulings.jsonl"

    @property
    def releases(self) -> Path:
        """The folder of releases, one folder a version."""
        return self.root / "releases"

    @property
    def publications(self) -> Path:
        """The log of where releases were published."""
        return self.releases / "published.jsonl"

    @property
    def runs(self) -> Path:
        """The folder of evaluation runs, one folder a run."""
        return self.root / "runs"

    def get_path(self, stage: Stage) -> Path:
        """Return the file of a stage."""
        return self.root / f"{stage}.jsonl"

    def get_rejected_path(self, stage: Stage) -> Path:
        """Return the file of the rows that a stage rejected."""
        return self.root / f"{stage}.rejected.jsonl"

    def get_record_path(self, stage: Stage) -> Path:
        """Return the file that records what a stage was made from."""
        return self.root / f"{stage}.meta.json"

    @property
    def review_page(self) -> Path:
        """The report on the review as one page."""
        return self.root / "review.html"

    @property
    def exclusions(self) -> Path:
        """The log of reviewers whose answers do not count."""
        return self.root / "exclusions.jsonl"

    @property
    def roster(self) -> Path:
        """Who reviews, and where they log in; never published."""
        return self.root / "private" / "roster.toml"

    @property
    def gold(self) -> Path:
        """Items with known answers, which are mixed into rounds unseen; never published."""
        return self.root / "private" / "gold.jsonl"

    def get_plan(self, number: int) -> Path:
        """Return the file that says who reviews what in a round."""
        return self.root / "rounds" / f"{number}.plan.jsonl"

    def get_round(self, number: int) -> Path:
        """Return the folder of a review round, one file a reviewer."""
        return self.root / "rounds" / str(number)

    def get_release(self, version: str) -> Path:
        """Return the folder of a release; raise `UsageError` for what is no version number."""
        if not _VERSION.fullmatch(version):
            raise UsageError(f"{version} is not a version. Write three numbers, such as 1.0.0.")
        return self.releases / version

    def get_held_out(self, version: str) -> Path:
        """Return the folder of a release's private split, beside its public one."""
        return self.releases / f"{self.get_release(version).name}{HELD_OUT_SUFFIX}"

    def get_elsewhere(self, version: str) -> Path:
        """Return the file that tells that the held-out split of a release is its owner's, and not here."""
        return self.releases / f"{self.get_held_out(version).name}.elsewhere"

    def list_imports(self) -> list[Path]:
        """Return the imported item files, sorted."""
        return sorted((self.root / "imports").glob("*/items.jsonl"))

    def list_rounds(self) -> list[Path]:
        """Return the reviewers' answer files of all rounds, sorted."""
        found = (self.root / "rounds").glob("*/*.jsonl")
        return sorted(path for path in found if path.parent.name.isdecimal())

    def list_plans(self) -> dict[int, Path]:
        """Return the plans of rounds by number, in order."""
        found = (self.root / "rounds").glob("*.plan.jsonl")
        plans = {int(path.name.partition(".")[0]): path for path in found}
        return dict(sorted(plans.items()))

    def list_reply_answers(self) -> list[Path]:
        """Return the files of what people said of models' replies, of all runs, sorted."""
        return sorted(self.runs.glob("*/people/*.jsonl"))

    def list_releases(self) -> list[Path]:
        """Return the release folders in order of version."""
        found = [p for p in self.releases.glob("*.*.*") if _VERSION.fullmatch(p.name)]
        return sorted(found, key=lambda path: parse_version(path.name))

    def list_held_out(self) -> list[Path]:
        """Return the folders of private splits, whatever was done to their names or public folders."""
        found = sorted(self.releases.glob(f"[!.]*{HELD_OUT_SUFFIX}"))
        return [path for path in found if (path / "manifest.json").is_file()]

    def list_release_tables(self) -> list[Path]:
        """Return the full tables of all releases, those of held-out folders among them."""
        return [p / "evaluator/items.jsonl" for p in (*self.list_releases(), *self.list_held_out())]

    def read_stage(self, stage: Stage) -> list[Row]:
        """Return a stage's rows; a stage that has not run yet has none."""
        return read_table(self.get_path(stage), stage.table)

    def read_rejected(self, stage: Stage) -> list[Row]:
        """Return the rows that a stage rejected."""
        return read_table(self.get_rejected_path(stage), TableName.REJECTION)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the workspace's lock of a stage or log, so that it has one writer at a time."""
        with hold_lock(self.root / ".locks" / name, f"{self.root / name}"):
            yield


def read_table(path: Path, table: TableName) -> list[Row]:
    """Return the rows of a file or log of ours; a file that does not exist yet has none.

    Raises `DataError` where rows lack columns, or two have the same key: somebody changed the file.
    """
    rows = read_log(path) if path.exists() else []
    spec = TABLES[table]
    columns = set(spec.columns)
    known = ADDED_COLUMNS | ADDED_ANSWERS
    added = {name: value for name, value in known.items() if name in columns}
    rows = [added | row for row in rows] if added else rows
    keys = [tuple(row.get(column) for column in spec.key) for row in rows]
    broken = any(not columns <= row.keys() for row in rows)
    if broken or (spec.key and len(set(map(str, keys))) < len(keys)):
        problems = validate_rows(rows, table, file=path.name)
        raise DataError(
            f"{path}: not a {table} table any more. Restore it, or run the stage that made it.",
            problems,
        )
    return rows


def is_version(text: str) -> bool:
    """Tell whether a text is a version: three numbers."""
    return _VERSION.fullmatch(text) is not None


def parse_version(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version."""
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def open_workspace(path: Path) -> Workspace:
    """Return the workspace in ``path``; raise `UsageError` where there is none."""
    if not (path / "bench.toml").is_file():
        raise UsageError(
            f"{path} is not a workspace: it holds no bench.toml. "
            "Make one with `finebench new DIR`, or name one with `finebench -C DIR …`."
        )
    return Workspace(path)


def create_workspace(
    path: Path, *, title: str = "", quota: int | None = None, license_: str = "CC-BY-4.0"
) -> Workspace:
    """Make a new workspace in ``path``, which must not exist or be empty.

    ``quota`` replaces the number of questions that each dimension aims for. The folder appears whole
    or not at all. Raises `UsageError` where something stands there already.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} exists already. Choose another folder.")
    folder = path.resolve()
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.casefold()).strip("-._")
    texts = {
        "name": name if len(name) > 1 else "benchmark",
        "title": trim(title) or folder.name,
        "license": license_,
    }
    files = {
        "dimensions.toml": _set_quota(_read_template("builder", "dimensions.toml"), quota),
        "guidelines.md": _read_template("annotations", "guidelines.md"),
        ".gitignore": "private/\njournal/\nruns/\n.locks/\n.*.tmp\n",
        "bench.toml": _fill_template(_read_template("builder", "bench.toml"), texts),
    }
    temporary = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for file, text in files.items():
            (temporary / file).write_text(text, encoding="utf-8")
        (temporary / "private").mkdir(mode=0o700)
        if folder.exists():
            # An empty folder may be somebody's working folder: fill it, and put bench.toml in last.
            for made in ("private", *files):
                (temporary / made).rename(folder / made)
            temporary.rmdir()
        else:
            temporary.rename(folder)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made ({error.strerror}).") from error
    return Workspace(path)


def _read_template(package: str, name: str) -> str:
    return (resources.files(package) / name).read_text(encoding="utf-8")


def _fill_template(text: str, values: dict[str, str]) -> str:
    # JSON's escapes are TOML's too.
    escaped = {k: json.dumps(v, ensure_ascii=False)[1:-1] for k, v in values.items()}
    return string.Template(text).substitute(escaped)


def _set_quota(text: str, quota: int | None) -> str:
    if quota is None:
        return text
    return re.sub(r"^quota = \d+$", f"quota = {quota}", text, flags=re.MULTILINE)
