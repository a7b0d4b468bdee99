"""Scores for model pages on the Hub: a finished run of a published release enters; ``.eval_results`` files leave.

The Hub shows what lies in ``.eval_results/*.yaml`` of a model's repository: entries of a dataset's id, a task of it
and a value. CS and CSS, overall and by dimension, are the tasks ``cs``, ``css``, ``cs_DIMENSION`` and
``css_DIMENSION``; values are in percent. The Hub's leaderboards rank the tasks that the dataset's ``eval.yaml``
names, which are those that Inspect can run from that file alone: CS and CSS stand on the model's page.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from builder.bundle.engine.display import format_percent
from builder.bundle.engine.labels import DimensionKind
from builder.bundle.engine.provenance import Versions
from builder.bundle.engine.scoring import OVERALL, Score, Share
from builder.release.hub.publications import list_publications
from builder.release.peers.yaml_texts import dump_yaml
from builder.release.reading import ITEMS, make_tag
from builder.release.splits import Split
from builder.reporting import read_run_scores
from builder.run_records import read_run_record
from builder.run_versions import read_run_versions
from builder.workspace import Workspace
from schemas.errors import UsageError
from schemas.storage import Row, hash_file, write_text

__all__ = ["EvalResults", "Place", "make_entries", "write_eval_results"]

_FOLDER = ".eval_results"
_ADDRESS = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w.+-]+))?", re.ASCII)
_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release was published: the dataset's id, the revision, empty where it is not known, and its page."""

    repository: str
    revision: str
    page: str


@dataclass(frozen=True, slots=True)
class EvalResults:
    """What was written: the files, and the scores that were withheld, each with the reason."""

    paths: tuple[Path, ...]
    withheld: tuple[str, ...]


def write_eval_results(
    workspace: Workspace, run: str, out: Path, *, hub: str = "", date: str = ""
) -> EvalResults:
    """Write ``out/MODEL/.eval_results/NAME.yaml`` for each model of a run, to be put into the model's repository.

    ``hub`` is ``OWNER/NAME[@REVISION]`` of the dataset; by default where the workspace published the release.
    ``date`` is the day of the evaluation (ISO 8601); by default what the run recorded, or none, and the Hub takes
    that of the commit. A score whose bounds are too wide for a headline is withheld.

    Raises `UsageError` where the run is not there, simulated, of a held-out split or of items that are not
    published, or where none of its scores can be shown.
    """
    scores = read_run_scores(workspace, run)
    about = read_run_record(workspace, run)
    versions = read_run_versions(workspace, run)
    _require_real(run, about, versions)
    date = _check_date(date or str(about.get("date", "")))
    place = _find_place(workspace, about, versions, hub)
    kind = str(about.get("target_kind", "model"))
    made, withheld = make_entries(scores, versions, place, date=date, target_kind=kind)
    if not made:
        raise UsageError(
            f"run {run}: no score can be shown: {'; '.join(withheld) or 'it holds none'}. Run "
            "`finebench evaluate` again: it asks the calls that failed."
        )
    paths = []
    for model, entries in made.items():
        path = out / _name_folder(model) / _FOLDER / f"{place.repository.rpartition('/')[2]}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, dump_yaml(entries))
        paths.append(path)
    return EvalResults(tuple(paths), tuple(withheld))


def make_entries(
    scores: Sequence[Score], versions: Versions, place: Place, *, date: str, target_kind: str
) -> tuple[dict[str, list[Row]], list[str]]:
    """Return by model the entries of its scores, overall first, and in words which scores are withheld.

    Controls have neither CS nor CSS, and no entry. ``date`` may be empty; ``target_kind`` tells whether a model or
    a system with its filter was evaluated.
    """
    made: dict[str, list[Row]] = {}
    withheld = []
    for score in sorted(scores, key=lambda s: (s.model, s.dimension != OVERALL, s.dimension)):
        if score.kind is not DimensionKind.SAFETY:
            continue
        for name, share in (("cs", score.cs), ("css", score.css)):
            task = name if score.dimension == OVERALL else f"{name}_{score.dimension}"
            if share is None or share.value is None or not share.is_headline:
                withheld.append(
                    f"{score.model}, {task}: {_tell_gap(share)}, too many are undetermined"
                )
                continue
            entry: Row = {"dataset": {"id": place.repository, "task_id": task}}
            if place.revision:
                entry["dataset"]["revision"] = place.revision
            entry["value"] = round(100 * share.value, 2)
            if date:
                entry["date"] = date
            name_of_source = f"finebench evaluator {versions.evaluator}"
            entry["source"] = {"url": place.page, "name": name_of_source}
            entry["notes"] = _write_notes(name, score, share, versions, target_kind)
            made.setdefault(score.model, []).append(entry)
    return made, withheld


def _tell_gap(share: Share | None) -> str:
    return f"{share.n if share else 0} of {share.items if share else 0} items"


def _write_notes(
    name: str, score: Score, share: Share, versions: Versions, target_kind: str
) -> str:
    """Return in one line what a reader must know beside the value."""
    assert share.interval is not None
    low, high = map(format_percent, share.interval)
    hashed = versions.scoring_hash[:_SHOWN_DIGITS]
    told = [
        f"{name.upper()} in %: {share.count:.10g} of n = {share.n} determined items of {share.items}",
        f"95% interval {low} to {high} ({share.method})",
        f"evaluated as {target_kind}"
        if score.dimension == OVERALL
        else f"dimension {score.dimension}",
        versions.describe(),
        *([f"scoring hash {hashed}"] if hashed else []),
    ]
    return "; ".join(told)


def _require_real(run: str, about: Mapping[str, Any], versions: Versions) -> None:
    """Raise `UsageError` for a run that shows nothing of real models, or of items that nobody may see."""
    simulated = about.get("simulated") or []
    if simulated:
        raise UsageError(
            f"run {run} is simulated ({', '.join(simulated)}) and shows nothing about a real model. Evaluate "
            "real ones, with a real judge, in a run of their own: finebench evaluate RELEASE --model NAME --run NAME."
        )
    if versions.split != Split.TEST:
        raise UsageError(
            f"run {run} asked the split {versions.split}, which is not published. Evaluate the public folder."
        )


def _check_date(date: str) -> str:
    if date:
        try:
            datetime.fromisoformat(date)
        except ValueError:
            raise UsageError(f"date {date}: write it as YYYY-MM-DD.") from None
    return date


def _find_place(
    workspace: Workspace, about: Mapping[str, Any], versions: Versions, hub: str
) -> Place:
    """Return where the run's release stands on the Hub; raise `UsageError` where that is not known."""
    found = _ADDRESS.fullmatch(hub)
    if hub and not found:
        raise UsageError(
            f"{hub}: is no dataset of the Hub. Write OWNER/NAME or OWNER/NAME@REVISION."
        )
    named = found[1] if found else ""
    rows = _list_places(workspace, about, versions)
    fitting = [row for row in rows if row["repository"] == named] if named else rows
    if found and (found[2] or not fitting):
        return _make_place(named, found[2] or "", found[2] or make_tag(versions.release))
    if not fitting:
        raise UsageError(
            f"release {versions.release} was not published from here, and results name the dataset on the Hub. "
            "Run `finebench publish OWNER/NAME` first, or say where it is: --hub OWNER/NAME@REVISION."
        )
    if len(fitting) > 1:
        names = ", ".join(row["repository"] for row in fitting)
        raise UsageError(
            f"release {versions.release} was published at {names}. Say which: --hub OWNER/NAME."
        )
    [row] = fitting
    return _make_place(row["repository"], row["commit"], row["tag"])


def _list_places(workspace: Workspace, about: Mapping[str, Any], versions: Versions) -> list[Row]:
    """Return where this workspace published the very items that were asked."""
    items = workspace.releases / versions.release / ITEMS
    if versions.data != workspace.config.name or not versions.release or not items.is_file():
        return []
    if hash_file(items) != about.get("items"):
        return []
    return [row for row in list_publications(workspace) if row["folder"] == versions.release]


def _make_place(repository: str, revision: str, shown: str) -> Place:
    from huggingface_hub.constants import ENDPOINT

    page = f"{ENDPOINT}/datasets/{repository}/tree/{quote(shown, safe='')}"
    return Place(repository, revision, page)


def _name_folder(model: str) -> str:
    """Return a model's name as that of a folder, whatever characters it is of."""
    name = quote(model, safe=" @:+")
    return name if name.strip(".") else name.replace(".", "%2E")
